//! Claims of the source chapter about DCGAN that are false, and what is true instead; `book/errata.md` lists them all.

use std::iter::zip;

use ch4_dcgan::model::{Discriminator, Generator};
use ch4_dcgan::train::{Dcgan, Settings, bce, smooth_labels};
use tch::nn::{self, ModuleT, OptimizerConfig, VarStore};
use tch::{Device, Kind, Reduction, Tensor, no_grad};
use toolkit::cli::Preset;
use toolkit::layers::{batch_norm2d, leaky_relu};
use toolkit::noise::with_given;
use toolkit::{Adam, Compute, checkpoint};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
const F32: (Kind, Device) = (Kind::Float, Device::Cpu);
const F64: (Kind, Device) = (Kind::Double, Device::Cpu);
const WIDTHS: [i64; 4] = [4, 6, 8, 10];

fn number(t: &Tensor) -> f64 {
    t.double_value(&[])
}

fn numbers(t: &Tensor) -> Vec<f64> {
    Vec::try_from(t.to_kind(Kind::Double).flatten(0, -1)).unwrap()
}

fn gradient(loss: &Tensor, by: &Tensor) -> Tensor {
    Tensor::run_backward(&[loss], &[by], false, false).remove(0)
}

/// A standard deviation over all elements.
fn deviation(t: &Tensor) -> f64 {
    number(&t.std(true))
}

/// Batch normalisation of one channel, with PyTorch's meaning of `momentum`.
fn batch_norm(momentum: f64, eps: f64) -> nn::BatchNorm {
    let ws_init = nn::Init::Const(1.0);
    let config = nn::BatchNormConfig { momentum, eps, ws_init, ..Default::default() };
    nn::batch_norm2d(VarStore::new(Device::Cpu).root(), 1, config)
}

/// The share of the old in Keras is the share of the new in PyTorch. With 0.9 for 0.1 the running mean is little more
/// than the last batch's: for independent batches its deviation is √(0.9 / 1.1) of theirs instead of √(0.1 / 1.9),
/// which is 3.94 times as much. Training does not show it.
#[test]
fn erratum_01_batch_norm_momentum() {
    tch::manual_seed(1);
    let running_mean = |norm: &dyn ModuleT, variables: &VarStore| {
        let _ = norm.forward_t(&Tensor::ones([2, 1, 4, 4], F32), true);
        number(&variables.variables()["running_mean"])
    };
    let variables = VarStore::new(Device::Cpu);
    let ours = batch_norm2d(variables.root(), 1);
    assert!((running_mean(&ours, &variables) - 0.1).abs() < 1e-6);

    let (right, ported) = (batch_norm(0.1, 1e-5), batch_norm(0.9, 1e-5));
    let (mut means, mut trained) = ([Vec::new(), Vec::new()], [0.0; 2]);
    for _ in 0..4000 {
        let batch = Tensor::randn([4, 1, 2, 2], F32);
        for (i, norm) in [&right, &ported].into_iter().enumerate() {
            trained[i] = number(&norm.forward_t(&batch, true).abs().sum(Kind::Float));
            means[i].push(number(&norm.running_mean));
        }
    }
    let [right_deviation, ported_deviation] =
        means.map(|means| deviation(&Tensor::from_slice(&means[100..])));
    let ratio = ported_deviation / right_deviation;
    assert!((3.6..4.3).contains(&ratio), "{ported_deviation} and {right_deviation}: {ratio}");
    assert_eq!(trained[0], trained[1]);
    let image = Tensor::ones([1, 1, 2, 2], F32);
    assert!(!right.forward_t(&image, false).allclose(
        &ported.forward_t(&image, false),
        1e-3,
        1e-3,
        false
    ));
}

/// Keras adds 1e-3 to the variance, PyTorch 1e-5. A channel of variance 1e-3 comes out with deviation 0.707 or 0.995.
#[test]
fn erratum_02_batch_norm_epsilon() {
    tch::manual_seed(2);
    let half = 1e-3f64.sqrt() as f32;
    let x = Tensor::from_slice(&[half, -half, half, -half]).view([1, 1, 2, 2]);
    let gain = |norm: &dyn ModuleT| number(&norm.forward_t(&x, true).abs().max());
    let ours = batch_norm2d(VarStore::new(Device::Cpu).root(), 1);
    assert!((gain(&ours) - 0.995).abs() < 5e-4, "{}", gain(&ours));
    let keras = batch_norm(0.1, 1e-3);
    assert!((gain(&keras) - 0.707).abs() < 5e-4, "{}", gain(&keras));
}

/// `F.dropout(x, 0.3)` drops whether its module is in training or not (`tests/errata.py 3`). Ours drops in training
/// only.
#[test]
fn erratum_03_dropout_in_eval_mode() {
    tch::manual_seed(3);
    let discriminator = Discriminator::new(&VarStore::new(Device::Cpu).root(), WIDTHS, 1, 0.3);
    let images = Tensor::randn([2, 1, 64, 64], F32);
    let twice = |train| [0, 1].map(|_| discriminator.forward_t(&images, train));
    let [first, second] = twice(false);
    assert!(first.equal(&second), "eval mode is not a function of the images");
    let [first, second] = twice(true);
    assert!(!first.equal(&second), "nothing is dropped in training");
}

/// The port's generator has ReLUs where the Keras code has leaky ReLUs of slope 0.2. Half of what a batch norm lets
/// through is negative: a ReLU sets it to 0 and sends no gradient back, a leaky ReLU does neither.
#[test]
fn erratum_04_relu_for_leaky_relu() {
    tch::manual_seed(4);
    let x = Tensor::randn([10_000], F64).set_requires_grad(true);
    let (mut dead, mut silent) = (Vec::new(), Vec::new());
    for y in [x.relu(), leaky_relu(&x, 0.2)] {
        dead.push(number(&y.eq(0.0).to_kind(Kind::Double).mean(Kind::Double)));
        let slope = gradient(&y.sum(Kind::Double), &x);
        silent.push(number(&slope.eq(0.0).to_kind(Kind::Double).mean(Kind::Double)));
    }
    assert!((dead[0] - 0.5).abs() < 0.02 && dead[0] == silent[0], "{dead:?} {silent:?}");
    assert_eq!([dead[1], silent[1]], [0.0, 0.0]);

    // In the generator: an image whose every activation is negative still depends on z.
    let variables = VarStore::new(Device::Cpu);
    let generator = Generator::new(&variables.root(), 3, WIDTHS, 1);
    no_grad(|| {
        for (name, mut variable) in variables.variables() {
            if name.ends_with("norm.bias") {
                let _ = variable.fill_(-100.0);
            }
        }
    });
    let z = Tensor::randn([1, 3, 1, 1], F32).set_requires_grad(true);
    let image = generator.forward_t(&z, false).sum(Kind::Float);
    assert!(number(&gradient(&image, &z).abs().max()) > 0.0);
}

/// "A kernel of 4 and one of 3 do the same to the size": only for a convolution, on an even side.
#[test]
fn erratum_05_kernel_3_or_4() {
    tch::manual_seed(5);
    let conv = |side: i64, kernel: i64| {
        let (x, w) =
            (Tensor::ones([1, 1, side, side], F32), Tensor::ones([1, 1, kernel, kernel], F32));
        x.conv2d::<Tensor>(&w, None, [2; 2], [1; 2], [1; 2], 1).size()[2]
    };
    let transposed = |side: i64, kernel: i64| {
        let (x, w) =
            (Tensor::ones([1, 1, side, side], F32), Tensor::ones([1, 1, kernel, kernel], F32));
        x.conv_transpose2d::<Tensor>(&w, None, [2; 2], [1; 2], [0; 2], 1, [1; 2]).size()[2]
    };
    assert_eq!([conv(64, 3), conv(64, 4)], [32, 32]);
    assert_eq!([conv(5, 3), conv(5, 4)], [3, 2]);
    assert_eq!([transposed(4, 3), transposed(4, 4)], [7, 8]);
}

/// The chapter is silent about how weights start, and its two versions differ in it: by √2 in the deviation. tch's
/// default is another one again. Here, for 4 × 4 weights from 64 to 128 channels.
#[test]
fn erratum_06_initialisation() {
    tch::manual_seed(6);
    let (fan_in, fan_out) = (16.0 * 64.0, 16.0 * 128.0);
    let near = |found: f64, wanted: f64| {
        assert!((found / wanted - 1.0).abs() < 0.01, "{found} for {wanted}");
    };
    // The deviation of U(−b, b) is b/√3. Glorot & Bengio 2010, equation 16; PyTorch's default (`tests/errata.py 6`
    // draws it).
    let keras = (6.0f64 / (fan_in + fan_out)).sqrt() / 3f64.sqrt();
    let pytorch = (1.0f64 / fan_in).sqrt() / 3f64.sqrt();
    near(keras, 0.0255);
    near(pytorch, 0.0180);

    let variables = VarStore::new(Device::Cpu);
    nn::conv2d(variables.root(), 64, 128, 4, nn::ConvConfig::default());
    near(deviation(&variables.variables()["weight"]), 0.0442);

    // What the DCGAN paper asks for, section 4, in both networks.
    let variables = VarStore::new(Device::Cpu);
    Discriminator::new(&(variables.root() / "d"), [64, 128, 32, 32], 1, 0.0);
    Generator::new(&(variables.root() / "g"), 64, [64, 128, 32, 32], 1);
    let variables = variables.variables();
    near(deviation(&variables["d.down2.conv.weight"]), 0.02);
    near(deviation(&variables["g.up4.conv.weight"]), 0.02);
}

/// PyTorch's ε is 1e-8, Keras' 1e-7, and it stands elsewhere: beside √v before v is freed of its bias. So at the
/// first step it weighs 1e-7 / √(1 − β₂), 3.2e-6. Where gradients are as small as that, the two take different steps.
#[test]
fn erratum_07_adam_epsilon() {
    tch::manual_seed(7);
    let (beta1, beta2) = (0.5, 0.999);
    let first_step = |gradient: f64| {
        let variables = VarStore::new(Device::Cpu);
        let weight = variables.root().zeros("weight", &[1]);
        let mut adam = Adam::new(variables, 1.0, (beta1, beta2));
        adam.apply(&[Tensor::from_slice(&[gradient as f32])]);
        -number(&weight)
    };
    let keras = |g: f64| {
        let (m, v) = ((1.0 - beta1) * g, (1.0 - beta2) * g * g);
        (1.0f64 - beta2).sqrt() / (1.0 - beta1) * m / (v.sqrt() + 1e-7)
    };
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-3, "{found}");
    near(first_step(1e-7), 1.0 / 1.1);
    near(keras(1e-7), 0.0307);
    near(first_step(1e-3), 1.0);
    near(keras(1e-3), 0.9968);

    // tch's Adam has PyTorch's ε as well.
    let variables = VarStore::new(Device::Cpu);
    let weight = variables.root().zeros("weight", &[1]);
    let config = nn::Adam { beta1, beta2, ..Default::default() };
    config.build(&variables, 1.0).unwrap().backward_step(&(&weight * 1e-7).sum(Kind::Float));
    near(-number(&weight), 1.0 / 1.1);
}

/// The book's noise goes outwards: reals in [1, 1.1], fakes in [−0.1, 0]. The gradient by the logit is p − y. A label
/// of 1 and more is never reached, so the logit is driven up for ever; one inside (0, 1) is reached.
#[test]
fn erratum_08_label_noise_sharpens() {
    tch::manual_seed(8);
    let logits = Tensor::from_slice(&[-5.0, 0.0, 5.0, 10.0, 20.0]).set_requires_grad(true);
    let pull = |label: f64| numbers(&gradient(&bce(&logits, &logits.full_like(label)), &logits));
    for label in [1.0, 1.05, 1.1] {
        assert!(pull(label).into_iter().all(|g| g < 0.0), "{label}: {:?}", pull(label));
    }
    for label in [0.0, -0.05, -0.1] {
        assert!(pull(label).into_iter().all(|g| g > 0.0), "{label}: {:?}", pull(label));
    }
    let inside = pull(0.95);
    assert!(inside[0] < 0.0 && inside[4] > 0.0, "{inside:?}");

    // Ours are inside, on both sides.
    let many = Tensor::zeros([1000], F64);
    let (real, fake) = (smooth_labels(&many, true, 0.1), smooth_labels(&many, false, 0.1));
    assert!(number(&real.max()) <= 1.0 && number(&real.mean(Kind::Double)) < 0.96);
    assert!(number(&fake.min()) >= 0.0 && number(&fake.mean(Kind::Double)) > 0.04);
}

/// "PyTorch refuses labels above 1": `BCELoss` does (`tests/errata.py 9`), the loss on logits takes them without a
/// word, and falls below 0.
#[test]
fn erratum_09_labels_above_1() {
    tch::manual_seed(9);
    let loss = bce(&Tensor::from_slice(&[50.0]), &Tensor::from_slice(&[1.05]));
    assert!((number(&loss) + 2.5).abs() < 1e-9, "{loss:?}");
}

/// "`BCEWithLogitsLoss` stops the gradient": a second sigmoid does, the network's own before the loss'.
#[test]
fn erratum_10_the_second_sigmoid() {
    tch::manual_seed(10);
    let logit = Tensor::from_slice(&[-8.0]).set_requires_grad(true);
    let one = logit.ones_like();
    let once = number(&gradient(&bce(&logit, &one), &logit));
    let twice = number(&gradient(&bce(&logit.sigmoid(), &one), &logit));
    assert!((once + 0.9997).abs() < 1e-4, "{once}");
    assert!((twice + 1.7e-4).abs() < 1e-5, "{twice}");
}

/// How many training batches the normalisations of (generator, discriminator) have seen.
fn batches_seen(gan: &mut Dcgan) -> [i64; 2] {
    gan.parts().map(|(name, adam)| {
        let norm = if name == "generator" { "up1.norm" } else { "down2.norm" };
        adam.network().variables()[&format!("{norm}.num_batches_tracked")].int64_value(&[])
    })
}

/// "Two calls, as in PyTorch's tutorial": the tutorial makes the fakes once, and only D(fake) runs again. The port
/// makes others for the second update, for which it also runs D on the real images again.
#[test]
fn erratum_11_fakes_are_made_once() {
    tch::manual_seed(11);
    let (_, quick) = Settings::preset(Preset::Quick);
    let settings = Settings { widths: WIDTHS, ..quick };
    let real = Tensor::randn([3, 1, 64, 64], F32).tanh();

    let mut gan = Dcgan::new(&settings, 1, CPU);
    gan.step(&real);
    assert_eq!(batches_seen(&mut gan), [1, 3]);

    // The order of the port, without its updates.
    let mut gan = Dcgan::new(&settings, 1, CPU);
    for _update in ["discriminator", "generator"] {
        let fake = gan.noise(3).apply_t(&gan.generator, true);
        let _real_logits = real.apply_t(&gan.discriminator, true);
        let _fake_logits = fake.apply_t(&gan.discriminator, true);
    }
    assert_eq!(batches_seen(&mut gan), [2, 4]);
}

/// A generator, a discriminator and what it says of fakes, with the graph.
fn judged() -> (VarStore, VarStore, Tensor) {
    let (g, d) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let generator = Generator::new(&g.root(), 3, WIDTHS, 1);
    let discriminator = Discriminator::new(&d.root(), WIDTHS, 1, 0.0);
    let fake = Tensor::randn([3, 3, 1, 1], F32).apply_t(&generator, true);
    let fake_logits = fake.apply_t(&discriminator, true);
    (g, d, fake_logits)
}

/// "`retain_graph` would do too": not after the discriminator's update, which changes weights that the graph needs.
/// Both gradients before either update would do.
#[test]
fn erratum_12_retain_graph() {
    tch::manual_seed(12);
    let both = |update_between: bool| {
        let (g, d, fake_logits) = judged();
        let d_loss = bce(&fake_logits, &fake_logits.zeros_like());
        let g_loss = bce(&fake_logits, &fake_logits.ones_like());
        let mut weights = d.trainable_variables();
        let gradients = Tensor::run_backward(&[d_loss], &weights, true, false);
        if update_between {
            no_grad(|| {
                for (weight, gradient) in zip(&mut weights, &gradients) {
                    let _ = weight.g_sub_(&(gradient * 2e-4));
                }
            });
        }
        Tensor::f_run_backward(&[g_loss], &g.trainable_variables(), false, false)
    };
    let error = both(true).unwrap_err().to_string();
    assert!(error.contains("modified by an inplace operation"), "{error}");
    assert!(both(false).is_ok());
}

/// Without `detach`, or in the penalty, the discriminator's update is the same. What is wasted is a backward pass
/// through the generator.
#[test]
fn erratum_13_detach_saves_a_backward_pass() {
    let run = |detach: bool| {
        tch::manual_seed(13);
        let (g, d) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
        let generator = Generator::new(&g.root(), 3, WIDTHS, 1);
        let discriminator = Discriminator::new(&d.root(), WIDTHS, 1, 0.0);
        let fake = Tensor::randn([3, 3, 1, 1], F32).apply_t(&generator, true);
        let fake = if detach { fake.detach() } else { fake };
        let logits = fake.apply_t(&discriminator, true);
        bce(&logits, &logits.zeros_like()).backward();
        let gradients = |network: &VarStore| -> Vec<Tensor> {
            let named = checkpoint::variables(network);
            named.iter().filter(|(_, v)| v.requires_grad()).map(|(_, v)| v.grad()).collect()
        };
        (gradients(&g), gradients(&d))
    };
    let ((wasted, without), (none, with)) = (run(false), run(true));
    assert!(zip(&without, &with).all(|(a, b)| a.equal(b)), "the updates differ");
    assert!(wasted.iter().all(Tensor::defined));
    assert!(!none.iter().any(Tensor::defined));
}

/// Keras takes both gradients of one forward pass, so its generator is judged by the discriminator before its update.
/// The port, as the tutorial and as this book, judges it by the one after.
#[test]
fn erratum_14_alternating_not_simultaneous() {
    tch::manual_seed(14);
    let (_, quick) = Settings::preset(Preset::Quick);
    let settings = Settings { z_dim: 3, widths: WIDTHS, learning_rate: 1e-2, ..quick };
    let real = Tensor::randn([3, 1, 64, 64], F32).tanh();
    let z = Tensor::randn([3, 3, 1, 1], F32);
    let labels = Tensor::full([3], 0.5, F32);

    let mut gan = Dcgan::new(&settings, 1, CPU);
    let fake = no_grad(|| z.apply_t(&gan.generator, true));
    let judge = |gan: &Dcgan| {
        let logits = no_grad(|| fake.apply_t(&gan.discriminator, true));
        number(&bce(&logits, &logits.ones_like()))
    };
    let before = judge(&gan);
    let losses = with_given(vec![z, labels.copy(), labels], || gan.step(&real));
    let (after, found) = (judge(&gan), number(&losses.generator));
    assert!((found - after).abs() < 1e-5, "{found} is not {after}");
    assert!((found - before).abs() > 1e-2, "{found} should not be {before}");
}

/// With batch norm a discriminator's verdict on one image depends on the others in the batch (`ch4-wgan-gp` shows
/// that the critic's does not).
#[test]
fn erratum_18_batch_norm_mixes_the_images() {
    tch::manual_seed(18);
    let (_, Settings { widths, .. }) = Settings::preset(Preset::Quick);
    let discriminator = Discriminator::new(&VarStore::new(Device::Cpu).root(), widths, 1, 0.0);
    let images = Tensor::randn([8, 1, 64, 64], F32).tanh().set_requires_grad(true);
    let first = discriminator.forward_t(&images, true).get(0);
    let norms = numbers(&gradient(&first, &images).flatten(1, -1).norm_scalaropt_dim(2, 1, false));
    for other in &norms[1..] {
        assert!(other / norms[0] > 0.01, "{norms:?}");
    }
}

/// The upsampling variant has the same effect at four times the multiplications. And the transposed convolution's
/// checkerboards are not forced: a 4 × 4 kernel with stride 2 reaches every pixel equally often. A 3 × 3 kernel does
/// not.
#[test]
fn erratum_26_upsampling_costs_four_times() {
    tch::manual_seed(26);
    // A convolution of ones with ones sums up one product for every multiplication.
    let (x, w) = (Tensor::ones([1, 1, 32, 32], F32), Tensor::ones([1, 1, 4, 4], F32));
    let transposed = |x: &Tensor, w: &Tensor, padding| {
        x.conv_transpose2d::<Tensor>(w, None, [2; 2], [padding; 2], [0; 2], 1, [1; 2])
    };
    let large = x.upsample_nearest2d_vec(None::<&[i64]>, [2.0, 2.0]).constant_pad_nd([1, 2, 1, 2]);
    // The margin is multiplied as well: ones there too.
    let upsampled = large.ones_like().conv2d::<Tensor>(&w, None, [1; 2], [0; 2], [1; 2], 1);
    assert_eq!(upsampled.size(), [1, 1, 64, 64]);
    let cost = |y: &Tensor| number(&y.sum(Kind::Float));
    assert_eq!(cost(&upsampled), 4.0 * cost(&transposed(&x, &w, 0)));

    let reached = |kernel: i64| {
        let w = Tensor::ones([1, 1, kernel, kernel], F32);
        let inner = transposed(&x, &w, 1).slice(2, 8, 24, 1).slice(3, 8, 24, 1);
        let mut times = numbers(&inner);
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    };
    assert_eq!(reached(4), [4.0]);
    assert_eq!(reached(3), [1.0, 2.0, 4.0]);
}

/// "Where one side is much stronger the gradient vanishes": it depends on the loss. What arrives at the logit of a
/// fake that the discriminator is sure of, for the saturating loss log(1 − D), for a sigmoid and `BCELoss`, and for
/// the loss on logits.
#[test]
fn erratum_32_vanishing_gradients() {
    tch::manual_seed(32);
    let arrives = |logit: f32, loss: fn(&Tensor) -> Tensor| {
        let logit = Tensor::from_slice(&[logit]).set_requires_grad(true);
        number(&gradient(&loss(&logit), &logit))
    };
    let saturating = |x: &Tensor| (x.sigmoid() * -1 + 1).log().sum(Kind::Float);
    let after_sigmoid = |x: &Tensor| {
        x.sigmoid().binary_cross_entropy::<Tensor>(&x.ones_like(), None, Reduction::Mean)
    };
    let on_logits = |x: &Tensor| bce(x, &x.ones_like());
    let near = |found: f64, wanted: f64| {
        assert!((found - wanted).abs() <= 1e-3 * wanted.abs(), "{found} for {wanted}");
    };
    for (logit, wanted) in [
        (0.0, [-0.5, -0.5, -0.5]),
        (-20.0, [-2.061e-9, -1.0, -1.0]),
        (-30.0, [-9.358e-14, -0.09358, -1.0]),
        (-90.0, [0.0, 0.0, -1.0]),
    ] {
        near(arrives(logit, saturating), wanted[0]);
        near(arrives(logit, after_sigmoid), wanted[1]);
        near(arrives(logit, on_logits), wanted[2]);
    }
}
