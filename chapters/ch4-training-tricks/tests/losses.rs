//! What the generator learns from a discriminator that is sure, under each loss; and what the labels do.

use ch4_training_tricks::train::{
    bce, bce_on_probabilities, d_loss, flip, g_non_saturating, g_saturating, noisy_labels,
};
use tch::{Device, Kind, Tensor};

/// The loss and its derivative at one logit, in f32.
fn at(logit: f64, loss: impl Fn(&Tensor) -> Tensor) -> (f64, f64) {
    let x = Tensor::from_slice(&[logit as f32]).set_requires_grad(true);
    let value = loss(&x);
    let gradient = Tensor::run_backward(&[&value], &[&x], false, false).remove(0);
    (value.double_value(&[]), gradient.double_value(&[0]))
}

fn g_sigmoid_bce(logits: &Tensor) -> Tensor {
    bce_on_probabilities(logits, &logits.ones_like())
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-6), "{a} and {b}");
}

/// The derivatives by the logit that the doc comments name: −σ(x) and σ(x) − 1.
#[test]
fn losses_and_derivatives_are_those_of_the_paper() {
    for x in [-12.0, -5.0, -1.0, 0.0, 0.5, 3.0, 9.0] {
        let (value, derivative) = at(x, g_saturating);
        // In f32 the value is a difference of numbers as large as x, so its last digits are lost; the derivative's are not.
        assert!((value - (1.0 - sigmoid(x)).ln()).abs() < 2e-6, "{value} at {x}");
        assert!((derivative + sigmoid(x)).abs() < 1e-7, "{derivative} at {x}");
        let (value, derivative) = at(x, g_non_saturating);
        close(value, -sigmoid(x).ln(), 1e-4);
        assert!((derivative - (sigmoid(x) - 1.0)).abs() < 1e-7, "{derivative} at {x}");
    }
}

/// A logit of −90: the discriminator is sure that the image is a fake (erratum 32).
#[test]
fn at_a_logit_of_minus_90_only_the_non_saturating_loss_on_logits_says_anything() {
    let (value, derivative) = at(-90.0, g_saturating);
    assert!(value == 0.0 && derivative.abs() < 1e-38, "{value}, {derivative}");
    // The probability is exactly 0 in f32. libtorch cuts the logarithm off at −100 and divides by at least 1e-12, and then
    // multiplies by the sigmoid's derivative, which is 0.
    assert_eq!(at(-90.0, g_sigmoid_bce), (100.0, 0.0));
    assert_eq!(at(-90.0, g_non_saturating), (90.0, -1.0));
}

/// Sigmoid and BCE are the non-saturating loss as long as the probability can hold the logit, and fade only below about −28.
#[test]
fn sigmoid_and_bce_fade_later_than_the_saturating_loss() {
    for x in [-25.0, -15.0, -5.0, 0.0, 5.0] {
        close(at(x, g_sigmoid_bce).1, at(x, g_non_saturating).1, 1e-3);
    }
    let derivative = at(-10.0, g_saturating).1;
    assert!(derivative.abs() < 1e-4, "{derivative}");
    let derivatives = [-28.0, -35.0, -60.0, -85.0].map(|x| at(x, g_sigmoid_bce).1.abs());
    assert!(derivatives.is_sorted_by(|a, b| a > b), "{derivatives:?}");
    assert!(derivatives[0] > 0.4 && derivatives[2] < 1e-13, "{derivatives:?}");
}

#[test]
fn the_discriminators_loss_is_the_mean_of_both_halves() {
    let (real, fake) = (Tensor::from_slice(&[2.0f64, -1.0]), Tensor::from_slice(&[-3.0f64, 0.5]));
    let loss = |bce| {
        d_loss(bce, (&real, &real.ones_like()), (&fake, &fake.zeros_like())).double_value(&[])
    };
    let by_hand = -(sigmoid(2.0).ln()
        + sigmoid(-1.0).ln()
        + (1.0 - sigmoid(-3.0)).ln()
        + (1.0 - sigmoid(0.5)).ln())
        / 4.0;
    close(loss(bce), by_hand, 1e-9);
    close(loss(bce_on_probabilities), by_hand, 1e-9);
}

/// BCE on probabilities refuses a label above 1, BCE on logits takes it: −2.5 for label 1.05 at logit 50 (erratum 9).
#[test]
fn a_label_above_1_is_refused_by_one_and_taken_by_the_other() {
    let (logit, label) = (Tensor::from_slice(&[50f32]), Tensor::from_slice(&[1.05f32]));
    close(bce(&logit, &label).double_value(&[]), -2.5, 1e-5);
    let refused =
        logit.sigmoid().f_binary_cross_entropy::<Tensor>(&label, None, tch::Reduction::Mean);
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("between 0 and 1"), "{message}");
}

/// A sigmoid in the network and another in the loss (erratum 10).
#[test]
fn two_sigmoids_leave_hardly_any_gradient() {
    let (_, twice) = at(-8.0, |x| bce(&x.sigmoid(), &x.ones_like()));
    let (_, once) = at(-8.0, g_non_saturating);
    close(twice, -1.7e-4, 0.02);
    close(once, -0.9997, 1e-4);
}

#[test]
fn labels_move_inwards_or_outwards() {
    tch::manual_seed(1);
    let logits = Tensor::zeros([4000], (Kind::Float, Device::Cpu));
    let cases = [
        (true, 0.3, 0.7, 1.0),
        (false, 0.3, 0.0, 0.3),
        (true, -0.1, 1.0, 1.1),
        (false, -0.1, -0.1, 0.0),
        (true, 0.0, 1.0, 1.0),
    ];
    for (real, noise, low, high) in cases {
        let labels = noisy_labels(&logits, real, noise);
        let (min, max) = (labels.min().double_value(&[]), labels.max().double_value(&[]));
        assert!(min >= low - 1e-6 && max <= high + 1e-6, "{min} to {max}");
        assert!(max - min > 0.99 * (high - low) - 1e-6, "{min} to {max} does not fill the range");
        close(labels.mean(Kind::Float).double_value(&[]), (low + high) / 2.0, 0.15);
    }
}

/// Inward labels are met by a finite logit; outward ones by none, so that being surer always pays (erratum 8).
#[test]
fn inward_labels_smooth_and_outward_labels_sharpen() {
    let at_label = |label: f32, logit: f32| {
        bce(&Tensor::from_slice(&[logit]), &Tensor::from_slice(&[label])).double_value(&[])
    };
    // A label of 0.95 wants the logit ln(0.95 / 0.05) ≈ 2.94.
    assert!(
        at_label(0.95, 2.94) < at_label(0.95, 2.0) && at_label(0.95, 2.94) < at_label(0.95, 4.0)
    );
    let losses: Vec<f64> = (1..10).map(|k| at_label(1.05, 20.0 * k as f32)).collect();
    assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    for logit in [-200.0, 0.0, 200.0] {
        let (_, derivative) = at(logit, |x| bce(x, &(x.ones_like() * 1.05)));
        assert!(derivative < -0.04, "{derivative} at {logit}");
    }
}

#[test]
fn so_many_labels_are_flipped() {
    tch::manual_seed(2);
    let labels = Tensor::ones([10_000], (Kind::Float, Device::Cpu)) * 0.75;
    let flipped = |share: f64| {
        let after = flip(&labels, share);
        let wrong = after.eq(0.25).sum(Kind::Int64).int64_value(&[]);
        let right = after.eq(0.75).sum(Kind::Int64).int64_value(&[]);
        assert_eq!(wrong + right, 10_000);
        wrong
    };
    assert_eq!(flipped(0.0), 0);
    assert_eq!(flipped(1.0), 10_000);
    // Four standard deviations of a binomial with 10,000 draws at 0.1.
    let wrong = flipped(0.1);
    assert!((880..=1120).contains(&wrong), "{wrong}");
}
