//! What the gradient penalty promises, and that it is on the image alone.

use ch4_cgan::model::{Critic, one_hot, tile};
use ch4_cgan::train::{between, gradient_penalty};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

/// Real and fake images with one-hot labels, `[batch, 3, 8, 8]` twice and `[batch, 2]`.
fn images(batch: i64) -> (Tensor, Tensor, Tensor) {
    tch::manual_seed(1);
    let image = || Tensor::rand([batch, 3, 8, 8], F64) * 2 - 1;
    let labels = one_hot(&(Tensor::arange(batch, F64).remainder(2.0).unsqueeze(1)));
    (image(), image(), labels.to_kind(Kind::Double))
}

/// A critic that weighs the pixels and the label's planes has the pixels' weights as its gradient everywhere. If the penalty
/// looked at the planes too, its norm would be that of all weights.
#[test]
fn a_linear_critic_is_penalised_for_its_weights_on_the_image_alone() {
    let (real, fake, labels) = images(5);
    for (on_image, on_labels) in [(0.01, 3.0), (0.125, 0.125), (1.0, 0.0)] {
        let w = (Tensor::randn([3 * 64], F64) * on_image).set_requires_grad(true);
        let on_planes = Tensor::randn([2 * 64], F64) * on_labels;
        let critic = |x: &Tensor| {
            let inputs = Tensor::cat(&[x, &tile(&labels, 8)], 1).flatten(1, -1);
            inputs.mv(&Tensor::cat(&[&w, &on_planes], 0))
        };
        let penalty = gradient_penalty(critic, &real, &fake);
        let norm = w.square().sum(Kind::Double).sqrt();
        let expected = (&norm - 1.0).square();
        let error = (&penalty - &expected).abs().double_value(&[]);
        assert!(error < 1e-12, "{error} at {on_image}, {on_labels}");

        // And by w it is 2 (‖w‖ − 1) w / ‖w‖.
        let gradient = Tensor::run_backward(&[penalty], &[&w], false, false).remove(0);
        let expected: Tensor = (&norm - 1.0) * 2.0 * &w / &norm;
        let error = (gradient - &expected).abs().max().double_value(&[]);
        assert!(error < 1e-12, "{error} at {on_image}, {on_labels}");
    }
}

/// The penalty of a real critic is the one that central differences of its scores give, pixel by pixel, under each label;
/// it is another under the other label, and differences by the label's planes have no part in it.
#[test]
fn penalty_agrees_with_finite_differences_by_pixels() {
    tch::manual_seed(3);
    let mut variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), 1, [2, 3, 4, 5], 1, 0.0);
    variables.double();
    let image = Tensor::rand([1, 1, 64, 64], F64) * 2 - 1;
    let h = 1e-6;
    let axes = Tensor::eye(4096, F64).view([4096, 1, 64, 64]);
    let found = [0.0, 1.0].map(|answer| {
        let labels = one_hot(&Tensor::full([1, 1], answer, F64)).to_kind(Kind::Double);
        // Real and fake the same: the only point between them is the image itself.
        let score = |x: &Tensor| critic.forward_t(x, &labels, true);
        let penalty = gradient_penalty(score, &image, &image).double_value(&[]);
        let scores = |sign: f64| {
            let moved = &image + &axes * (sign * h);
            let portions: Vec<Tensor> = moved
                .split(512, 0)
                .iter()
                .map(|x| critic.forward_t(x, &labels.expand([512, 2], false), true))
                .collect();
            Tensor::cat(&portions, 0).to_kind(Kind::Double)
        };
        let gradient = tch::no_grad(|| (scores(1.0) - scores(-1.0)) / (2.0 * h));
        let norm = gradient.square().sum(Kind::Double).sqrt().double_value(&[]);
        assert!(norm > 0.01, "the test needs a gradient: {norm}");
        assert!((penalty - (norm - 1.0).powi(2)).abs() < 1e-4, "{penalty} with norm {norm}");
        penalty
    });
    assert!((found[0] - found[1]).abs() > 1e-3, "{found:?}");
}

/// A critic that scores everything alike has gradient 0, which is 1 away from 1, and pulls at nothing with NaN.
#[test]
fn constant_critic_gives_one_and_no_nan() {
    tch::manual_seed(1);
    let real = Tensor::rand([4, 3, 64, 64], (Kind::Float, Device::Cpu));
    let labels = one_hot(&Tensor::from_slice(&[0, 1, 1, 0]).unsqueeze(1));
    let variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), 1, [2, 2, 2, 2], 3, 0.0);
    tch::no_grad(|| {
        for (_, mut variable) in variables.variables() {
            let _ = variable.zero_();
        }
    });
    let penalty = gradient_penalty(|x| critic.forward_t(x, &labels, true), &real, &-&real);
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
