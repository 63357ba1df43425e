//! Sizes, shapes, losses, and who moves in a step.

use ch4_dcgan::model::{Discriminator, Generator};
use ch4_dcgan::train::{Dcgan, Settings, bce, smooth_labels};
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::Compute;
use toolkit::cli::Preset;

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

fn trainable(variables: &VarStore) -> i64 {
    variables.trainable_variables().iter().map(|v| v.numel() as i64).sum()
}

/// The numbers of the original notebook.
#[test]
fn book_networks_have_the_books_parameters() {
    let (_, Settings { z_dim, widths, dropout, .. }) = Settings::preset(Preset::Book);
    let (g, u, d) =
        (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    Discriminator::new(&d.root(), widths, 1, dropout);
    Generator::new(&g.root(), z_dim, widths, 1);
    Generator::upsampling(&u.root(), z_dim, widths, 1);
    assert_eq!(trainable(&d), 2_763_520);
    assert_eq!(trainable(&g), 3_574_656);
    assert_eq!(trainable(&u), trainable(&g));
}

#[test]
fn shapes_and_ranges() {
    let variables = VarStore::new(Device::Cpu);
    let path = variables.root();
    let generators = [
        Generator::new(&(&path / "g"), 5, [2, 3, 4, 5], 3),
        Generator::upsampling(&(&path / "u"), 5, [2, 3, 4, 5], 3),
    ];
    let discriminator = Discriminator::new(&(&path / "d"), [2, 3, 4, 5], 3, 0.3);
    for generator in generators {
        let images = generator.forward_t(&Tensor::randn([7, 5, 1, 1], F32), true);
        assert_eq!(images.size(), [7, 3, 64, 64]);
        assert!(images.abs().max().double_value(&[]) <= 1.0);
        assert_eq!(discriminator.forward_t(&images, true).size(), [7]);
    }
}

/// −(y log σ(x) + (1 − y) log(1 − σ(x))), by hand.
#[test]
fn bce_is_the_cross_entropy_of_the_sigmoid() {
    let (x, y) = ([-3.0f64, 0.0, 2.0], [0.1f64, 0.9, 1.0]);
    let by_hand: f64 = x
        .iter()
        .zip(y)
        .map(|(x, y)| {
            let p = 1.0 / (1.0 + (-x).exp());
            -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
        })
        .sum::<f64>()
        / 3.0;
    let loss = bce(&Tensor::from_slice(&x), &Tensor::from_slice(&y)).double_value(&[]);
    assert!((loss - by_hand).abs() < 1e-12, "{loss} and {by_hand}");
    // At a logit where a sigmoid in f32 is exactly 0, the gradient is still −1.
    let x = Tensor::from_slice(&[-200f32]).set_requires_grad(true);
    let loss = bce(&x, &x.ones_like());
    let gradient = Tensor::run_backward(&[loss], &[&x], false, false).remove(0);
    assert_eq!(gradient.double_value(&[0]), -1.0);
    // At a logit of exactly 0 it is one half minus the label.
    let x = Tensor::from_slice(&[0f32]).set_requires_grad(true);
    let loss = bce(&x, &x.ones_like());
    let gradient = Tensor::run_backward(&[loss], &[&x], false, false).remove(0);
    assert_eq!(gradient.double_value(&[0]), -0.5);
}

#[test]
fn labels_are_smoothed_inwards() {
    let logits = Tensor::zeros([1000], F32);
    for (real, low, high) in [(true, 0.9, 1.0), (false, 0.0, 0.1)] {
        let labels = smooth_labels(&logits, real, 0.1);
        let (min, max) = (labels.min().double_value(&[]), labels.max().double_value(&[]));
        assert!(min >= low - 1e-6 && max <= high + 1e-6, "{min} to {max}");
        assert!(max - min > 0.09, "the labels hardly differ: {min} to {max}");
    }
}

#[test]
fn a_step_moves_both_networks_and_fits_what_it_is_shown() {
    tch::manual_seed(4);
    let (_, quick) = Settings::preset(Preset::Quick);
    let compute = Compute { device: Device::Cpu, kind: Kind::Float };
    let mut gan = Dcgan::new(&Settings { widths: [2, 3, 4, 5], ..quick }, 1, compute);
    let real = Tensor::randn([6, 1, 64, 64], F32).tanh();
    let copy = |gan: &mut Dcgan| {
        gan.parts().map(|(_, adam)| {
            Tensor::cat(
                &adam
                    .network()
                    .trainable_variables()
                    .iter()
                    .map(|v| v.detach().reshape(-1))
                    .collect::<Vec<_>>(),
                0,
            )
        })
    };
    let before = copy(&mut gan);
    let first = gan.step(&real).discriminator.double_value(&[]);
    let after = copy(&mut gan);
    assert!(before.iter().zip(&after).all(|(a, b)| !a.equal(b)));
    let mut last = first;
    for _ in 0..40 {
        last = gan.step(&real).discriminator.double_value(&[]);
    }
    assert!(last < first, "the discriminator's loss went from {first} to {last}");
}
