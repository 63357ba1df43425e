//! What the gradient penalty promises.

use ch4_wgan_gp::model::Critic;
use ch4_wgan_gp::train::{between, gradient_penalty};
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

fn images(batch: i64) -> (Tensor, Tensor) {
    tch::manual_seed(1);
    (Tensor::rand([batch, 1, 8, 8], F64) * 2 - 1, Tensor::rand([batch, 1, 8, 8], F64) * 2 - 1)
}

/// The gradient of wᵀx by x is w everywhere.
#[test]
fn linear_critic_gives_the_distance_of_its_norm_from_one() {
    let (real, fake) = images(5);
    for scale in [0.01, 0.125, 1.0] {
        let w = (Tensor::randn([64], F64) * scale).set_requires_grad(true);
        let linear = w.shallow_clone();
        let critic = nn::func(move |x| x.flatten(1, -1).mv(&linear));
        let penalty = gradient_penalty(&critic, &real, &fake);
        let norm = w.square().sum(Kind::Double).sqrt();
        let expected = (&norm - 1.0).square();
        let error = (&penalty - &expected).abs().double_value(&[]);
        assert!(error < 1e-12, "{error} at scale {scale}");

        // And by w it is 2 (‖w‖ − 1) w / ‖w‖.
        let gradient = Tensor::run_backward(&[penalty], &[&w], false, false).remove(0);
        let expected: Tensor = (&norm - 1.0) * 2.0 * &w / &norm;
        let error = (gradient - &expected).abs().max().double_value(&[]);
        assert!(error < 1e-12, "{error} at scale {scale}");
    }
}

/// A critic that scores everything alike has gradient 0, which is 1 away from 1, and pulls at nothing with NaN.
#[test]
fn constant_critic_gives_one_and_no_nan() {
    let (real, fake) = images(5);
    let variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), [2, 2, 2, 2], 1, 0.0);
    tch::no_grad(|| {
        for (_, mut variable) in variables.variables() {
            let _ = variable.zero_();
        }
    });
    let grow = |x: &Tensor| x.to_kind(Kind::Float).upsample_nearest2d([64, 64], None, None);
    let penalty = gradient_penalty(&critic, &grow(&real), &grow(&fake));
    assert_eq!(penalty.double_value(&[]), 1.0);
    let weights: Vec<Tensor> = variables.variables().into_values().collect();
    let gradients = Tensor::run_backward(&[penalty], &weights, false, false);
    // The penalty does not depend on the biases of a network without kinks under it; those have no gradient at all.
    let defined: Vec<&Tensor> = gradients.iter().filter(|gradient| gradient.defined()).collect();
    assert!(defined.len() >= 5, "the five weights have gradients, not {}", defined.len());
    for gradient in defined {
        assert_eq!(gradient.isfinite().all().int64_value(&[]), 1);
    }
}

/// α is one number in [0, 1] for each image, and another for the next image.
#[test]
fn interpolation_is_uniform_per_image() {
    tch::manual_seed(2);
    let real = Tensor::zeros([4000, 1, 2, 2], F64);
    let alpha = between(&real, &real.ones_like()).flatten(1, -1);
    let (low, high) = (alpha.min_dim(1, false).0, alpha.max_dim(1, false).0);
    assert!(low.equal(&high), "α differs between the pixels of an image");
    assert!(low.min().double_value(&[]) >= 0.0 && low.max().double_value(&[]) <= 1.0);
    // Of a uniform distribution: mean 1/2 and standard deviation 1/√12, within four standard errors.
    assert!((low.mean(Kind::Double).double_value(&[]) - 0.5).abs() < 4.0 * 0.2887 / 4000f64.sqrt());
    assert!((low.std(true).double_value(&[]) - 12f64.sqrt().recip()).abs() < 0.01);
}

/// The penalty of a real network is the one that central differences of its scores give.
#[test]
fn penalty_agrees_with_finite_differences() {
    tch::manual_seed(3);
    let mut variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), [2, 3, 4, 5], 1, 0.0);
    variables.double();
    let image = Tensor::rand([1, 1, 64, 64], F64) * 2 - 1;
    let penalty = gradient_penalty(&critic, &image, &image).double_value(&[]);
    // Along a direction d, (D(x + hd) − D(x − hd)) / 2h is dᵀ∇D. Summed over all axes of a random basis of the 4096-dimensional
    // space this would be ‖∇D‖²; here pixel axes are used, a few hundred at a time in one batch.
    let h = 1e-6;
    let axes = Tensor::eye(4096, F64).view([4096, 1, 64, 64]);
    let scores = |sign: f64| {
        let moved = &image + &axes * (sign * h);
        let parts: Vec<Tensor> =
            moved.split(512, 0).iter().map(|x| critic.forward_t(x, true)).collect();
        Tensor::cat(&parts, 0).to_kind(Kind::Double)
    };
    let gradient = tch::no_grad(|| (scores(1.0) - scores(-1.0)) / (2.0 * h));
    let norm = gradient.square().sum(Kind::Double).sqrt().double_value(&[]);
    let expected = (norm - 1.0).powi(2);
    assert!(norm > 0.01, "the test needs a gradient: {norm}");
    assert!((penalty - expected).abs() < 1e-4, "{penalty} and {expected}");
}
