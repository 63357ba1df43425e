//! The theory of Goodfellow et al. 2014, section 4, on distributions whose densities are known.

use ch4_gan_intro::points::Points;
use ch4_gan_intro::theory::{Gaussian, Grid, best_answer, best_value, jensen_shannon, to_tensor};
use ch4_gan_intro::train::{Gan, Settings, bce};
use std::f64::consts::LN_2;
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::Compute;

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };

const P: Gaussian = Gaussian { mean: [-0.5, 0.0], sd: [0.6, 0.4] };
const Q: Gaussian = Gaussian { mean: [0.4, 0.3], sd: [0.5, 0.7] };

/// Outside of the square from −3.5 to 3.5 P and Q have next to nothing.
fn grid() -> Grid {
    Grid::new(3.5, 200)
}

/// A discriminator that has learnt to tell `real` from `fake`, two distributions that stay as they are.
fn trained(real: Gaussian, fake: Gaussian) -> Gan {
    tch::manual_seed(1);
    let mut gan = Gan::new(&Settings::default(), CPU);
    for learning_rate in [3e-3, 1e-3, 3e-4, 1e-4] {
        gan.parts()[1].1.learning_rate = learning_rate;
        for _ in 0..500 {
            let _ = gan.discriminator_step(&real.draw(512), &fake.draw(512));
        }
    }
    gan
}

/// The mean of |D − wanted| over all points, real and fake in equal parts.
fn error(
    gan: &Gan,
    grid: &Grid,
    wanted: impl Fn([f64; 2]) -> f64,
    p: Gaussian,
    q: Gaussian,
) -> f64 {
    let places = to_tensor(&grid.middles);
    let answers = no_grad(|| gan.discriminator.forward_t(&places, false).sigmoid());
    let answers: Vec<f64> = Vec::try_from(answers.to_kind(Kind::Double)).unwrap();
    grid.integral(|i, x| (answers[i] - wanted(x)).abs() * (p.density(x) + q.density(x)) / 2.0)
}

#[test]
fn densities_and_grid_are_right() {
    let grid = grid();
    for gaussian in [P, Q] {
        assert!((grid.integral(|_, x| gaussian.density(x)) - 1.0).abs() < 1e-4);
        assert!((grid.integral(|_, x| x[1] * gaussian.density(x)) - gaussian.mean[1]).abs() < 1e-3);
    }
    assert!(jensen_shannon(&P, &P, &grid).abs() < 1e-12);
    // Two distributions that have nothing in common are ln 2 apart.
    let far = Gaussian { mean: [2.5, 2.5], sd: [0.1; 2] };
    let near = Gaussian { mean: [-2.5, -2.5], sd: [0.1; 2] };
    assert!((jensen_shannon(&near, &far, &grid) - LN_2).abs() < 1e-3);
}

/// Proposition 1: for a fixed generator the best discriminator is p / (p + q). And theorem 1: its value of the game,
/// `E log D(real) + E log(1 − D(fake))`, is `−log 4 + 2 JSD(p, q)`.
#[test]
fn a_trained_discriminator_is_p_over_p_plus_q() {
    let (grid, gan) = (grid(), trained(P, Q));
    let best = |x| best_answer(P.density(x), Q.density(x));
    let error_of = |wanted: &dyn Fn([f64; 2]) -> f64| error(&gan, &grid, wanted, P, Q);
    let error = error_of(&best);
    println!("mean |D - p/(p+q)| {error:.4}");
    assert!(error < 0.01, "{error}");
    // The measure can tell: a discriminator that knows nothing, or one that mixes the two up, is far off.
    assert!(error_of(&|_| 0.5) > 0.2);
    assert!(error_of(&|x| 1.0 - best(x)) > 0.4);

    let (real, fake) = (P.draw(200_000), Q.draw(200_000));
    let loss = no_grad(|| {
        let (real, fake) =
            (gan.discriminator.forward_t(&real, false), gan.discriminator.forward_t(&fake, false));
        bce(&real, &real.ones_like()) + bce(&fake, &fake.zeros_like())
    });
    let value = -loss.double_value(&[]);
    let theory = best_value(jensen_shannon(&P, &Q, &grid));
    println!("value {value:.4}, -log 4 + 2 JSD = {theory:.4}");
    assert!((value - theory).abs() < 0.01, "{value} {theory}");
}

/// Where the generator makes what is real, the best answer to everything is ½.
#[test]
fn against_a_perfect_generator_the_discriminator_answers_one_half() {
    let (grid, gan) = (grid(), trained(P, P));
    let error = error(&gan, &grid, |_| 0.5, P, P);
    println!("mean |D - 1/2| {error:.4}");
    assert!(error < 0.01, "{error}");
}

/// The equilibrium is reached in play too: after a while the discriminator can hardly tell generated from real moons.
#[test]
fn at_the_end_of_training_the_discriminator_answers_nearly_one_half() {
    tch::manual_seed(2);
    let mut gan = Gan::new(&Settings::default(), CPU);
    let uncertainty = |gan: &Gan| {
        let real = Points::Moons.draw(2_000);
        no_grad(|| {
            let fake = gan.noise(2_000).apply_t(&gan.generator, false);
            let logits = gan.discriminator.forward_t(&Tensor::cat(&[real, fake], 0), false);
            (logits.sigmoid() - 0.5).abs().mean(Kind::Double).double_value(&[])
        })
    };
    // An untrained generator is found out.
    for _ in 0..200 {
        let fake = no_grad(|| gan.noise(256).apply_t(&gan.generator, true));
        let _ = gan.discriminator_step(&Points::Moons.draw(256), &fake);
    }
    let error = uncertainty(&gan);
    println!("mean |D - 1/2| against an untrained generator {error:.4}");
    assert!(error > 0.25, "{error}");

    // Then it learns, too.
    let mut losses = Vec::new();
    for _ in 0..2_000 {
        losses.push(gan.step(&Points::Moons.draw(256)).discriminator.double_value(&[]));
    }
    let losses = &losses[1_800..];
    let (error, loss) = (uncertainty(&gan), losses.iter().sum::<f64>() / losses.len() as f64);
    println!("mean |D - 1/2| at the end {error:.4}, loss {loss:.4}");
    assert!(error < 0.05, "{error}");
    assert!((loss - LN_2).abs() < 0.01, "{loss}");
}
