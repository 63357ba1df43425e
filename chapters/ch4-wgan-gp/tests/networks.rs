//! Sizes, shapes, and who moves in which step.

use ch4_wgan_gp::model::{Critic, Generator};
use ch4_wgan_gp::train::{Settings, WganGp};
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::Compute;
use toolkit::cli::Preset;

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };

fn trainable(variables: &VarStore) -> i64 {
    variables.trainable_variables().iter().map(|v| v.numel() as i64).sum()
}

/// The numbers of the original notebook for colour images.
#[test]
fn book_networks_have_the_books_parameters() {
    let (_, Settings { z_dim, widths, dropout, .. }) = Settings::preset(Preset::Book);
    let (g, c) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let _ =
        (Generator::new(&g.root(), z_dim, widths, 3), Critic::new(&c.root(), widths, 3, dropout));
    assert_eq!(trainable(&c), 2_764_737);
    assert_eq!(trainable(&g), 3_806_083);
}

#[test]
fn shapes_and_ranges() {
    let variables = VarStore::new(Device::Cpu);
    let generator = Generator::new(&(variables.root() / "g"), 5, [2, 3, 4, 5], 3);
    let critic = Critic::new(&(variables.root() / "c"), [2, 3, 4, 5], 3, 0.3);
    let images =
        generator.forward_t(&Tensor::randn([7, 5, 1, 1], (Kind::Float, Device::Cpu)), true);
    assert_eq!(images.size(), [7, 3, 64, 64]);
    assert!(images.abs().max().double_value(&[]) <= 1.0);
    assert_eq!(critic.forward_t(&images, true).size(), [7]);
    // bf16 in, f32 scores out.
    assert_eq!(critic.forward_t(&images.to_kind(Kind::BFloat16), true).kind(), Kind::Float);
}

/// Without batch norm an image's score is its own: another image beside it changes nothing.
#[test]
fn a_score_depends_on_its_own_image_alone() {
    let variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), [2, 3, 4, 5], 1, 0.0);
    let images = Tensor::randn([3, 1, 64, 64], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let score = critic.forward_t(&images, true).get(0);
    let gradient = Tensor::run_backward(&[score], &[&images], false, false).remove(0);
    assert!(gradient.get(0).abs().max().double_value(&[]) > 0.0);
    assert_eq!(gradient.narrow(0, 1, 2).abs().max().double_value(&[]), 0.0);
}

#[test]
fn each_step_moves_one_network() {
    tch::manual_seed(4);
    let (_, quick) = Settings::preset(Preset::Quick);
    let mut gan = WganGp::new(&Settings { widths: [2, 3, 4, 5], ..quick }, 1, CPU);
    let real = Tensor::randn([6, 1, 64, 64], (Kind::Float, Device::Cpu)).tanh();
    // Whether any trained parameter of (generator, critic) differs from a copy.
    let copies = |gan: &mut WganGp| {
        gan.parts().map(|(_, adam)| {
            adam.network()
                .trainable_variables()
                .iter()
                .map(|v| v.detach().copy())
                .collect::<Vec<_>>()
        })
    };
    let moved = |before: &[Vec<Tensor>; 2], after: &[Vec<Tensor>; 2]| {
        [0, 1].map(|i| before[i].iter().zip(&after[i]).any(|(a, b)| !a.equal(b)))
    };
    let start = copies(&mut gan);
    gan.critic_step(&real);
    let middle = copies(&mut gan);
    assert_eq!(moved(&start, &middle), [false, true]);
    let loss = gan.generator_step(6);
    assert!(loss.double_value(&[]).is_finite());
    assert_eq!(moved(&middle, &copies(&mut gan)), [true, false]);
}
