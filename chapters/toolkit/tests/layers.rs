//! The activation and the optimiser against what they stand in for.

use tch::nn::{self, ModuleT, OptimizerConfig, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::Adam;
use toolkit::layers::{conv2d, dropout, leaky_relu};
use toolkit::noise::{uniform, with_given};

#[test]
fn leaky_relu_and_its_derivative() {
    let x = Tensor::from_slice(&[-2.0, -0.5, 0.0, 0.5, 3.0]).set_requires_grad(true);
    let y = leaky_relu(&x, 0.2);
    assert_eq!(Vec::<f64>::try_from(&y).unwrap(), [-0.4, -0.1, 0.0, 0.5, 3.0]);
    let slope = Tensor::run_backward(&[y.sum(Kind::Double)], &[&x], false, false).remove(0);
    assert_eq!(Vec::<f64>::try_from(&slope).unwrap(), [0.2, 0.2, 0.2, 1.0, 1.0]);
}

/// A given mask has the effect of the same mask drawn, of which a share of 0.3 is 0.
#[test]
fn dropout_drawn_and_given() {
    let x = Tensor::rand([10_000], (Kind::Float, Device::Cpu)) + 1;
    let drawn = dropout(&x, 0.3, true);
    let kept = drawn.ne(0.0);
    let share = kept.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    assert!((share - 0.7).abs() < 0.02, "{share}");
    let given = with_given(vec![kept.copy()], || dropout(&x, 0.3, true));
    assert!(given.allclose(&drawn, 1e-6, 0.0, false));
    assert!(given.allclose(&(&x * kept.to_kind(Kind::Float) / 0.7), 1e-6, 0.0, false));
    assert!(with_given(vec![], || dropout(&x, 0.3, false)).equal(&x));
}

/// Whatever the share, the kind and the order in memory: so many are dropped, anywhere, and the others are scaled, gradients alike.
#[test]
fn dropout_of_any_share_in_any_layout() {
    tch::manual_seed(3);
    let planes = Tensor::rand([20, 30, 16, 16], (Kind::Float, Device::Cpu)) + 1;
    let last = planes.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    let gaps = planes.narrow(1, 3, 20);
    for x in [planes.shallow_clone(), last.shallow_clone(), gaps, last.to_kind(Kind::BFloat16)] {
        for p in [0.005, 0.05, 0.3, 0.5, 0.9, 0.98] {
            let x = x.detach().set_requires_grad(true);
            let y = dropout(&x, p, true);
            let kept = y.ne(0.0).to_kind(Kind::Float);
            // Five standard deviations.
            let close = 5.0 * (p * (1.0 - p) / x.numel() as f64).sqrt();
            let share = kept.mean(Kind::Double).double_value(&[]);
            assert!((share - (1.0 - p)).abs() < close, "{share} kept of 1 - {p}");
            // No image and no channel gets more than its part.
            let spread = kept
                .mean_dim([2i64, 3].as_slice(), false, Kind::Float)
                .std(false)
                .double_value(&[]);
            let expected = (p * (1.0 - p) / 256.0).sqrt();
            assert!((spread / expected - 1.0).abs() < 0.2, "{spread} where {expected} is chance");
            let scaled = &kept / (1.0 - p);
            let slope = Tensor::run_backward(
                &[y.to_kind(Kind::Float).sum(Kind::Float)],
                &[&x],
                false,
                false,
            );
            assert!(slope[0].to_kind(Kind::Float).allclose(&scaled, 0.01, 0.0, false));
            assert!(y.to_kind(Kind::Float).allclose(
                &(x.to_kind(Kind::Float) * scaled),
                0.02,
                0.0,
                false
            ));
        }
    }
}

#[test]
fn what_is_given_must_be_what_is_asked_for() {
    let ask = |given: &[i64], asked: &[i64]| {
        let like = Tensor::zeros([1], (Kind::Double, Device::Cpu));
        let given = vec![Tensor::ones(given, (Kind::Float, Device::Cpu))];
        let (given, asked) = (std::panic::AssertUnwindSafe(given), asked.to_vec());
        std::panic::catch_unwind(move || {
            with_given(given.0, || {
                let numbers: Vec<Tensor> = asked.iter().map(|&n| uniform(&[n], &like)).collect();
                numbers.iter().all(|t| t.kind() == Kind::Double && t.equal(&t.ones_like()))
            })
        })
    };
    assert!(ask(&[3], &[3]).unwrap());
    assert!(ask(&[3], &[2]).is_err(), "another shape");
    assert!(ask(&[3], &[]).is_err(), "one left over");
    assert!(ask(&[3], &[3, 3]).is_err(), "one too few");
}

/// The same weights, the same data, ten steps each: the flat buffers change nothing.
#[test]
fn adam_moves_as_that_of_libtorch_does() {
    let network = || {
        tch::manual_seed(5);
        let variables = VarStore::new(Device::Cpu);
        let config = nn::ConvConfig { stride: 2, padding: 1, ..Default::default() };
        let layers = nn::seq_t()
            .add(conv2d(&variables.root() / "b", 2, 3, 4, config))
            .add_fn(|x| leaky_relu(x, 0.2))
            .add(conv2d(&variables.root() / "a", 3, 1, 4, nn::ConvConfig::default()));
        (variables, layers)
    };
    let loss = |layers: &nn::SequentialT, step: i64| {
        tch::manual_seed(100 + step);
        let x = Tensor::randn([4, 2, 8, 8], (Kind::Float, Device::Cpu));
        (layers.forward_t(&x, true) - 1.0).square().mean(Kind::Float)
    };
    let (theirs, their_layers) = network();
    let mut reference =
        nn::Adam { beta1: 0.5, beta2: 0.9, ..Default::default() }.build(&theirs, 1e-3).unwrap();
    let (ours, our_layers) = network();
    let mut adam = Adam::new(ours, 1e-3, (0.5, 0.9));
    for step in 0..10 {
        reference.backward_step(&loss(&their_layers, step));
        adam.minimise(&loss(&our_layers, step));
    }
    let ours = adam.network().variables();
    for (name, expected) in theirs.variables() {
        let error = (&ours[&name] - &expected).norm().double_value(&[]);
        let size = expected.norm().double_value(&[]);
        assert!(error / size < 1e-5, "{name}: {error} of {size}");
    }
}

/// The mean of the weights, by hand, and that the network itself learns as without it.
#[test]
fn adam_keeps_a_mean_of_the_weights() {
    let weight_after = |averaging: bool| {
        tch::manual_seed(5);
        let variables = VarStore::new(Device::Cpu);
        let weight = variables.root().zeros("weight", &[1]);
        let mut running = variables.root().zeros_no_train("running", &[1]);
        let mut adam = Adam::new(variables, 0.1, (0.0, 0.9));
        if averaging {
            adam = adam.averaging(0.5);
        }
        let value = |t: &Tensor| t.double_value(&[0]);
        let mut means = (0.0, 0.0);
        for update in 1..=20 {
            let _ = running.fill_(f64::from(update));
            adam.minimise(&(&weight - 1.0).square().sum(Kind::Float));
            // The first means forget faster.
            let keep = f64::min(0.5, f64::from(1 + update) / f64::from(10 + update));
            means.0 = keep * means.0 + (1.0 - keep) * value(&weight);
            means.1 = keep * means.1 + (1.0 - keep) * f64::from(update);
        }
        let now = (value(&weight), value(&running));
        let drawn = adam.with_average(|| (value(&weight), value(&running)));
        let expected = if averaging { means } else { now };
        assert!((drawn.0 - expected.0).abs() < 1e-6 && (drawn.1 - expected.1).abs() < 1e-6);
        assert_eq!((value(&weight), value(&running)), now, "put back");
        now.0
    };
    assert_eq!(weight_after(true), weight_after(false));
}
