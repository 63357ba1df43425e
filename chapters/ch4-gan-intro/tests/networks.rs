//! Sizes, shapes, losses, and who moves in which step.

use ch4_gan_intro::model::{Discriminator, Generator};
use ch4_gan_intro::points::Points;
use ch4_gan_intro::train::{Gan, Settings, bce};
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::Compute;

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };

fn trainable(variables: &VarStore) -> i64 {
    variables.trainable_variables().iter().map(|v| v.numel() as i64).sum()
}

#[test]
fn sizes_and_shapes() {
    let (g, d) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let generator = Generator::new(&g.root(), 5, 7);
    let discriminator = Discriminator::new(&d.root(), 7);
    // Weights and biases of three linear layers.
    assert_eq!(trainable(&g), (5 * 7 + 7) + (7 * 7 + 7) + (7 * 2 + 2));
    assert_eq!(trainable(&d), (2 * 7 + 7) + (7 * 7 + 7) + (7 + 1));
    let points = generator.forward_t(&Tensor::randn([11, 5], (Kind::Float, Device::Cpu)), true);
    assert_eq!(points.size(), [11, 2]);
    assert_eq!(discriminator.forward_t(&points, true).size(), [11]);
}

/// `−log D` for the label 1, `−log(1 − D)` for the label 0; and the reason for the non-saturating loss: where D is sure that
/// a point is fake, at a logit of −8, `log(1 − D)` has hardly a slope and `−log D` nearly the slope −1.
#[test]
fn losses_are_logarithms_of_the_answer() {
    let logit = Tensor::from_slice(&[-8f64]).set_requires_grad(true);
    let d = 1.0 / (1.0 + 8f64.exp());
    let (as_real, as_fake) = (bce(&logit, &logit.ones_like()), bce(&logit, &logit.zeros_like()));
    assert!((as_real.double_value(&[]) - -d.ln()).abs() < 1e-9);
    assert!((as_fake.double_value(&[]) - -(1.0 - d).ln()).abs() < 1e-9);
    let slope =
        |loss: &Tensor| Tensor::run_backward(&[loss], &[&logit], true, false)[0].double_value(&[0]);
    assert!((slope(&as_real) - -0.99966).abs() < 1e-5);
    assert!((slope(&-as_fake) - -0.00034).abs() < 1e-5);
}

#[test]
fn each_update_moves_one_network() {
    tch::manual_seed(4);
    let mut gan = Gan::new(&Settings::default(), CPU);
    let real = Points::Ring.draw(16);
    // Whether any parameter of (generator, discriminator) differs from a copy.
    let copies = |gan: &mut Gan| {
        gan.parts().map(|(_, adam)| {
            let variables = adam.network().trainable_variables();
            variables.iter().map(|v| v.detach().copy()).collect::<Vec<_>>()
        })
    };
    let moved = |before: &[Vec<Tensor>; 2], after: &[Vec<Tensor>; 2]| {
        [0, 1].map(|i| before[i].iter().zip(&after[i]).any(|(a, b)| !a.equal(b)))
    };
    let start = copies(&mut gan);
    let _ = gan.discriminator_step(&real, &Points::Moons.draw(16));
    let middle = copies(&mut gan);
    assert_eq!(moved(&start, &middle), [false, true]);

    // With D's step size at 0 a whole step moves G alone, and the other way round.
    gan.parts()[1].1.learning_rate = 0.0;
    gan.step(&real);
    let end = copies(&mut gan);
    assert_eq!(moved(&middle, &end), [true, false]);
    gan.parts()[0].1.learning_rate = 0.0;
    gan.parts()[1].1.learning_rate = 1e-3;
    gan.step(&real);
    assert_eq!(moved(&end, &copies(&mut gan)), [false, true]);
}
