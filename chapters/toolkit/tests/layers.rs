//! The activation and the optimiser against what they stand in for.

use tch::nn::{self, ModuleT, OptimizerConfig, VarStore};
use tch::{Device, Kind, Tensor};
use toolkit::Adam;
use toolkit::layers::{conv2d, leaky_relu};

#[test]
fn leaky_relu_and_its_derivative() {
    let x = Tensor::from_slice(&[-2.0, -0.5, 0.0, 0.5, 3.0]).set_requires_grad(true);
    let y = leaky_relu(&x, 0.2);
    assert_eq!(Vec::<f64>::try_from(&y).unwrap(), [-0.4, -0.1, 0.0, 0.5, 3.0]);
    let slope = Tensor::run_backward(&[y.sum(Kind::Double)], &[&x], false, false).remove(0);
    assert_eq!(Vec::<f64>::try_from(&slope).unwrap(), [0.2, 0.2, 0.2, 1.0, 1.0]);
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
