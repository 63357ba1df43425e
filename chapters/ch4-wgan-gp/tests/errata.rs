//! Claims of the source chapter about WGAN-GP that are false, and what is true instead; `book/errata.md` lists them all.

use std::collections::BTreeSet;

use ch4_wgan_gp::model::Critic;
use ch4_wgan_gp::train::{
    Settings, WganGp, between, critic_loss, generator_loss, gradient_penalty,
};
use tch::nn::{self, Init, Module, ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::batches::Batches;
use toolkit::cli::Preset;
use toolkit::layers::{batch_norm2d, leaky_relu};
use toolkit::{Adam, Compute};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
const F32: (Kind, Device) = (Kind::Float, Device::Cpu);
const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

fn number(t: &Tensor) -> f64 {
    t.double_value(&[])
}

fn gradient(loss: &Tensor, by: &Tensor) -> Tensor {
    Tensor::run_backward(&[loss], &[by], false, false).remove(0)
}

/// Keras' default, from which the book's critic starts; `ch4-dcgan` compares it with the others.
#[test]
fn erratum_06_initialisation() {
    tch::manual_seed(6);
    let variables = VarStore::new(Device::Cpu);
    Critic::new(&variables.root(), [64, 128, 32, 32], 1, 0.0);
    let deviation = number(&variables.variables()["down2.conv.weight"].std(true));
    assert!((deviation / 0.0255 - 1.0).abs() < 0.01, "{deviation}");
}

/// "Only the call that takes the gradient differs": the book's Keras code draws α from a normal distribution, which puts two points in
/// three outside of the segment between a real image and a fake one. The port's uniform α is the paper's.
#[test]
fn erratum_15_alpha_is_uniform() {
    tch::manual_seed(15);
    let outside = |alpha: &Tensor| {
        let outside = alpha.lt(0.0).logical_or(&alpha.gt(1.0));
        number(&outside.to_kind(Kind::Double).mean(Kind::Double))
    };
    let real = Tensor::zeros([100_000, 1, 1, 1], F64);
    let normal = outside(&Tensor::randn([100_000], F64));
    // 1 − (Φ(1) − Φ(0)), within four standard errors.
    assert!((normal - 0.6587).abs() < 4.0 * 0.0015, "{normal}");
    // The place between 0 and 1 is α itself.
    assert_eq!(outside(&between(&real, &real.ones_like())), 0.0);
}

/// The square root of a sum of squares has no derivative at 0, and gives NaN, which then is every weight's. `norm` gives 0.
#[test]
fn erratum_16_the_root_at_zero() {
    let x = Tensor::zeros([4], F64).set_requires_grad(true);
    let root = x.square().sum(Kind::Double).sqrt();
    assert!(number(&gradient(&root, &x).sum(Kind::Double)).is_nan());
    let norm = x.norm_scalaropt_dim(2, 0, false);
    assert_eq!(number(&gradient(&norm, &x).abs().sum(Kind::Double)), 0.0);

    // In the penalty of a critic that scores everything alike.
    let variables = VarStore::new(Device::Cpu);
    let critic = Critic::new(&variables.root(), [2, 2, 2, 2], 1, 0.0);
    let weight = variables.variables().remove("score.weight").unwrap();
    no_grad(|| weight.shallow_clone().zero_());
    let image = Tensor::ones([1, 1, 64, 64], F32);
    let penalty = gradient_penalty(&critic, &image, &image);
    assert_eq!(number(&penalty), 1.0);
    assert_eq!(number(&gradient(&penalty, &weight).isnan().sum(Kind::Int64)), 0.0);
}

/// "Only what is returned changes from DCGAN to WGAN": the batch norms and the sigmoid must leave the critic too.
#[test]
fn erratum_18_neither_batch_norm_nor_sigmoid() {
    tch::manual_seed(18);
    // With a batch norm anywhere, an image's score depends on the images beside it. Without, not at all.
    let others = |norm: bool| {
        let variables = VarStore::new(Device::Cpu);
        let path = variables.root();
        let mut layers = nn::seq_t();
        if norm {
            layers = layers.add(batch_norm2d(&path / "norm", 1));
        }
        let layers = layers.add(Critic::new(&(&path / "critic"), [4, 6, 8, 10], 1, 0.0));
        let images = Tensor::randn([4, 1, 64, 64], F32).set_requires_grad(true);
        let by = gradient(&layers.forward_t(&images, true).get(0), &images).abs();
        number(&by.narrow(0, 1, 3).sum(Kind::Float)) / number(&by.sum(Kind::Float))
    };
    assert!(others(true) > 0.01, "{}", others(true));
    assert_eq!(others(false), 0.0);

    // Two distributions, each a single point, are as far apart as the points. A sigmoid's mean cannot differ by more than 1.
    let (real, fake) = (Tensor::from_slice(&[10.0]), Tensor::from_slice(&[0.0]));
    assert_eq!(number(&-critic_loss(&real, &fake)), 10.0);
    assert!(number(&-critic_loss(&real.sigmoid(), &fake.sigmoid())) < 1.0);
}

/// In the source one batch of real images serves all critic steps; Gulrajani et al. draw anew in each (algorithm 1, line 4). So do we:
/// a step asks for as many batches as it has critic steps, and within an epoch no image comes twice.
#[test]
fn erratum_19_fresh_images_for_every_critic_step() {
    for preset in [Preset::Quick, Preset::Book] {
        let (schedule, settings) = Settings::preset(preset);
        assert_eq!(schedule.batches_per_step, settings.critic_steps);
    }
    let mut batches = Batches::new((0..60).collect(), 4, 19).unwrap();
    let mut seen = BTreeSet::new();
    for number in 0..3 {
        seen.extend(batches.indices(number).iter().copied());
    }
    assert_eq!(seen.len(), 3 * 4);
}

/// The distance in the Lipschitz condition is the Euclidean one, between different points; not the mean absolute difference of pixels.
/// The penalty drives ‖w‖₂ of D(x) = wᵀx to 1, and this D stretches no Euclidean distance, but does stretch the other one.
#[test]
fn erratum_22_the_distance_is_euclidean() {
    tch::manual_seed(22);
    let variables = VarStore::new(Device::Cpu);
    let w = variables.root().randn("w", &[64], 0.0, 1.0);
    let weights = w.shallow_clone();
    let critic = nn::func(move |x| x.flatten(1, -1).mv(&weights));
    let mut adam = Adam::new(variables, 1e-2, (0.9, 0.999));
    let image = || Tensor::rand([8, 1, 8, 8], F32) * 2 - 1;
    let norm = || number(&w.norm());
    assert!(norm() > 4.0, "{}", norm());
    for _ in 0..2000 {
        adam.minimise(&gradient_penalty(&critic, &image(), &image()));
    }
    assert!((norm() - 1.0).abs() < 1e-3, "{}", norm());

    // Along w the scores move as far as the points: no other direction does more.
    let stretch = |step: &Tensor, length: &Tensor| number(&(w.dot(step).abs() / length));
    let steps = [w.detach(), w.sign(), Tensor::randn([64], F32)];
    let euclidean = steps.each_ref().map(|step| stretch(step, &step.norm()));
    assert!((euclidean[0] - 1.0).abs() < 1e-3, "{euclidean:?}");
    assert!(euclidean[1..].iter().all(|&ratio| ratio < 1.0), "{euclidean:?}");
    let pixels = steps.each_ref().map(|step| stretch(step, &step.abs().mean(Kind::Float)));
    assert!(pixels.iter().all(|&ratio| ratio > 1.0), "{pixels:?}");
}

/// −1/n Σ y·p over a batch of reals (y = 1) and one of fakes (y = −1), n being both together, is half the difference of means. What is
/// worth plotting is the difference, without the penalty.
#[test]
fn erratum_24_half_the_difference() {
    let (real, fake) = (Tensor::from_slice(&[3.0, 5.0]), Tensor::from_slice(&[1.0, -2.0]));
    let loss = number(&critic_loss(&real, &fake));
    let labels = Tensor::from_slice(&[1.0, 1.0, -1.0, -1.0]);
    let products = Tensor::cat(&[real, fake], 0) * labels;
    assert_eq!(number(&-products.mean(Kind::Double)), loss / 2.0);

    let (_, quick) = Settings::preset(Preset::Quick);
    let mut gan = WganGp::new(&Settings { widths: [2, 3, 4, 5], ..quick.clone() }, 1, CPU);
    let losses = gan.critic_step(&Tensor::randn([4, 1, 64, 64], F32).tanh());
    let [loss, wasserstein, penalty] =
        [losses.loss, losses.wasserstein, losses.penalty].map(|t| number(&t));
    assert!((loss - (quick.gp_weight * penalty - wasserstein)).abs() < 1e-5);
}

/// A critic of numbers, `[batch, 1, 1, 1]` to `[batch]`.
fn small_critic() -> (impl ModuleT, Adam) {
    let variables = VarStore::new(Device::Cpu);
    let path = variables.root();
    let config = nn::LinearConfig { ws_init: Init::Randn { mean: 0.0, stdev: 0.3 }, ..Default::default() };
    let layers = nn::seq()
        .add_fn(|x| x.flatten(1, -1))
        .add(nn::linear(&path / "first", 1, 64, config))
        .add_fn(|x| leaky_relu(x, 0.2))
        .add(nn::linear(&path / "second", 64, 64, config))
        .add_fn(|x| leaky_relu(x, 0.2))
        .add(nn::linear(&path / "score", 64, 1, config))
        .add_fn(|x| x.flatten(0, -1));
    (nn::func_t(move |x, _| layers.forward(x)), Adam::new(variables, 1e-3, (0.5, 0.9)))
}

/// "The critic must be trained to convergence, so we train it 3 to 5 times": 3 to 5 steps are nowhere near convergence, and suffice.
///
/// The real numbers are N(4, 1), the fakes N(θ, 1), which are |4 − θ| apart; θ starts at 0. From a fresh critic to nine tenths of
/// this distance it takes dozens of steps. With 5 for each of the generator's, θ gets there all the same.
#[test]
fn erratum_25_three_to_five_steps() {
    tch::manual_seed(25);
    let normal = || Tensor::randn([64, 1, 1, 1], F32);
    let critic_step = |critic: &dyn ModuleT, adam: &mut Adam, theta: &Tensor| {
        let (real, fake) = (normal() + 4.0, no_grad(|| normal() + theta));
        let wasserstein_loss = critic_loss(&critic.forward_t(&real, true), &critic.forward_t(&fake, true));
        let penalty = gradient_penalty(critic, &real, &fake);
        adam.minimise(&(&wasserstein_loss + 10.0 * penalty));
        -number(&wasserstein_loss)
    };

    let (critic, mut adam) = small_critic();
    let start = Tensor::zeros([1], F32);
    let estimates: Vec<f64> = (0..500).map(|_| critic_step(&critic, &mut adam, &start)).collect();
    let steps = estimates.iter().position(|&estimate| estimate > 0.9 * 4.0).expect("it converges");
    assert!(steps > 30, "{steps}");
    assert!(estimates[4] < 0.5 * 4.0, "{}", estimates[4]);

    let (critic, mut critic_adam) = small_critic();
    let variables = VarStore::new(Device::Cpu);
    let theta = variables.root().zeros("theta", &[1]);
    let mut generator_adam = Adam::new(variables, 2e-2, (0.5, 0.9));
    for _ in 0..400 {
        for _ in 0..5 {
            critic_step(&critic, &mut critic_adam, &theta);
        }
        generator_adam.minimise(&generator_loss(&critic.forward_t(&(normal() + &theta), true)));
    }
    assert!((number(&theta) - 4.0).abs() < 0.5, "{theta:?}");
}
