//! Shapes, sizes, who moves in a step, and what a step reports.

use ch4_training_tricks::model::{Discriminator, Generator};
use ch4_training_tricks::train::{Gan, Loss, Settings, norm};
use ch4_training_tricks::trials::BALANCED;
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::{Adam, Compute};

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);
const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
const TINY: Settings = Settings { z_dim: 5, g_width: 2, d_width: 2, batch_size: 6, ..BALANCED };

fn trainable(variables: &VarStore) -> i64 {
    variables.trainable_variables().iter().map(|v| v.numel() as i64).sum()
}

/// Whatever the number of layers, the last convolution judges the side that they leave.
#[test]
fn a_discriminator_of_any_depth_gives_one_logit_an_image() {
    let images = Tensor::zeros([7, 3, 32, 32], F32);
    // width 2: 4·4·3·2 for the first convolution, 4·4·w·2w + 2·2w for each further one, side² · w for the last.
    for (layers, parameters) in [
        (1, 96 + 512),
        (2, 96 + 136 + 256),
        (3, 96 + 136 + 528 + 128),
        (4, 96 + 136 + 528 + 2080 + 64),
    ] {
        let variables = VarStore::new(Device::Cpu);
        let discriminator = Discriminator::new(&variables.root(), layers, 2, 3, true, 0.3);
        assert_eq!(discriminator.forward_t(&images, true).size(), [7]);
        assert_eq!(trainable(&variables), parameters, "{layers} layers");
    }
}

#[test]
fn without_batch_norm_a_logit_does_not_depend_on_the_other_images() {
    tch::manual_seed(3);
    let images = Tensor::randn([4, 1, 32, 32], F32);
    let alone = images.narrow(0, 0, 2);
    for (batch_norm, same) in [(false, true), (true, false)] {
        let variables = VarStore::new(Device::Cpu);
        let discriminator = Discriminator::new(&variables.root(), 3, 4, 1, batch_norm, 0.0);
        let among = discriminator.forward_t(&images, true).narrow(0, 0, 2);
        let change = (discriminator.forward_t(&alone, true) - &among).norm() / among.norm();
        let change = change.double_value(&[]);
        assert_eq!(change < 1e-5, same, "relative change {change}, batch norm {batch_norm}");
    }
}

#[test]
fn the_generator_draws_32_by_32() {
    let variables = VarStore::new(Device::Cpu);
    let generator = Generator::new(&variables.root(), 5, 2, 3);
    let images = generator.forward_t(&Tensor::randn([7, 5, 1, 1], F32), true);
    assert_eq!(images.size(), [7, 3, 32, 32]);
    assert!(images.abs().max().double_value(&[]) <= 1.0);
}

/// All weights of one network, to see whether they moved. Statistics of batch norm are not among them.
fn weights(module: &VarStore) -> Tensor {
    let mut named: Vec<_> = module.variables().into_iter().collect();
    named.retain(|(_, v)| v.requires_grad());
    named.sort_by(|a, b| a.0.cmp(&b.0));
    Tensor::cat(&named.iter().map(|(_, v)| v.detach().reshape(-1)).collect::<Vec<_>>(), 0)
}

#[test]
fn a_step_moves_its_own_network_and_only_that() {
    tch::manual_seed(4);
    for loss in [Loss::Saturating, Loss::SigmoidBce, Loss::NonSaturating] {
        let mut gan = Gan::new(&Settings { loss, ..TINY }, 1, CPU);
        let real = Tensor::randn([6, 1, 32, 32], F32).tanh();
        let before = gan.networks().map(weights);
        let judged = gan.discriminator_step(&real);
        let middle = gan.networks().map(weights);
        let drawn = gan.generator_step();
        let after = gan.networks().map(weights);
        let [generator, discriminator] = [0, 1].map(|i| (&before[i], &middle[i], &after[i]));
        assert!(generator.0.equal(generator.1) && !generator.1.equal(generator.2));
        assert!(!discriminator.0.equal(discriminator.1) && discriminator.1.equal(discriminator.2));

        for share in [judged.right_on_real, judged.right_on_fake] {
            let in_sixths = share.double_value(&[]) * 6.0;
            assert!(
                (in_sixths - in_sixths.round()).abs() < 1e-5 && (0.0..6.1).contains(&in_sixths)
            );
        }
        let moved = (generator.2 - generator.1).norm().double_value(&[]);
        assert!((drawn.moved.double_value(&[]) - moved).abs() <= 1e-6 * moved);
        assert!(drawn.gradient.double_value(&[]) > 0.0);
    }
}

/// White images are easily told from a generator's first grey: a discriminator that has learned is right about both.
#[test]
fn a_discriminator_that_has_learned_is_right_on_both_sides() {
    tch::manual_seed(6);
    let mut gan = Gan::new(&TINY, 1, CPU);
    let white = Tensor::ones([6, 1, 32, 32], F32);
    let mut judged = gan.discriminator_step(&white);
    for _ in 0..200 {
        judged = gan.discriminator_step(&white);
    }
    assert_eq!(judged.right_on_real.double_value(&[]), 1.0);
    assert_eq!(judged.right_on_fake.double_value(&[]), 1.0);
}

/// Adam's first step has the length of the rate in every weight, however small the gradient: a gradient that fades does not
/// by itself make the steps shorter.
#[test]
fn adam_hides_the_size_of_a_gradient() {
    let moved = |scale: f64| {
        let variables = VarStore::new(Device::Cpu);
        let w = variables.root().var("w", &[3], tch::nn::Init::Const(1.0));
        let mut adam = Adam::new(variables, 0.01, (0.5, 0.999));
        let loss = (&w * Tensor::from_slice(&[1f32, -2.0, 3.0])).sum(Kind::Float) * scale;
        let before = w.detach().copy();
        adam.minimise(&loss);
        (w.detach() - before).norm().double_value(&[])
    };
    let whole = 0.01 * 3f64.sqrt();
    assert!((moved(1.0) - whole).abs() < 1e-4 * whole);
    assert!((moved(1e-5) - whole).abs() < 1e-2 * whole);
    assert!(moved(1e-12) < 1e-3 * whole);
    assert_eq!(moved(0.0), 0.0);
}

/// loss = w₁² + 2 w₂² + 3 v at (1, 2, 5): the gradient is (2, 8, 3), its length √77.
#[test]
fn the_length_of_a_gradient_by_hand() {
    let variables = VarStore::new(Device::Cpu);
    let root = variables.root();
    let w = root.var_copy("w", &Tensor::from_slice(&[1f32, 2.0]));
    let v = root.var_copy("v", &Tensor::from_slice(&[5f32]));
    let adam = Adam::new(variables, 0.1, (0.5, 0.999));
    let weighted = w.square() * Tensor::from_slice(&[1f32, 2.0]);
    let loss = weighted.sum(Kind::Float) + v.sum(Kind::Float) * 3.0;
    let length = norm(&adam.gradients(&loss)).double_value(&[]);
    assert!((length - 77f64.sqrt()).abs() < 1e-5, "{length}");
}
