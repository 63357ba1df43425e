//! What 16-bit floats do to the gradients of a step: the same weights, the same images and the same random numbers, twice.

use ch4_wgan_gp::train::{Settings, WganGp, critic_loss, generator_loss, gradient_penalty};
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::Preset;
use toolkit::{Adam, Compute};

/// Gradients of the critic's loss, penalty included, by all of the critic's weights, and of the generator's loss by all of its own.
fn gradients(kind: Kind) -> [Tensor; 2] {
    tch::manual_seed(1);
    let (_, quick) = Settings::preset(Preset::Quick);
    let mut gan = WganGp::new(&quick, 1, Compute { device: Device::Cpu, kind });
    let real = Tensor::rand([16, 1, 64, 64], (Kind::Float, Device::Cpu)).to_kind(kind);
    let fake = no_grad(|| gan.noise(16).apply_t(&gan.generator, true));
    let [real_scores, fake_scores] = [&real, &fake].map(|x| gan.critic.forward_t(x, true));
    let penalty = gradient_penalty(&gan.critic, &real, &fake);
    let critics = critic_loss(&real_scores, &fake_scores) + quick.gp_weight * penalty;
    let fakes = gan.noise(16).apply_t(&gan.generator, true);
    let generators = generator_loss(&gan.critic.forward_t(&fakes, true));
    let [(_, generator), (_, critic)] = gan.parts();
    let flat = |adam: &Adam, loss| {
        let parts: Vec<Tensor> = adam.gradients(loss).iter().map(|g| g.flatten(0, -1)).collect();
        Tensor::cat(&parts, 0)
    };
    [flat(critic, &critics), flat(generator, &generators)]
}

#[test]
fn gradients_in_bf16_are_near_those_in_f32() {
    let (rough, exact) = (gradients(Kind::BFloat16), gradients(Kind::Float));
    // 3 % and 11 % were measured: the generator's gradient goes through both networks, and through four batch norms.
    let limits = [("critic", 0.06), ("generator", 0.2)];
    for (((name, limit), rough), exact) in limits.into_iter().zip(rough).zip(exact) {
        assert_eq!(rough.kind(), Kind::Float, "weights and their gradients stay in f32");
        let distance = (&rough - &exact).norm().double_value(&[]) / exact.norm().double_value(&[]);
        println!("{name}: {distance:.4}");
        assert!(distance < limit, "{name}: {distance}");
        assert!(distance > 1e-4, "{name}: {distance} is too near: was it bf16 at all?");
    }
}
