//! Networks, the penalty and whole steps against PyTorch: `tests/pytorch/cgan.py` at the root holds the same in Python.

#[path = "../../../tests/pytorch/compare.rs"]
mod compare;

use ch4_cgan::model::{Critic, Generator, one_hot};
use ch4_cgan::train::{Cgan, Settings, generator_loss, gradient_penalty};
use compare::{Reference, the_same_file, with_pytorch};
use tch::nn::VarStore;
use tch::{Device, Tensor};
use toolkit::cli::Preset;
use toolkit::noise::with_given;

const Z_DIM: i64 = 5;
const WIDTHS: [i64; 4] = [4, 6, 8, 10];
const CHANNELS: i64 = 2;

/// What is asked for of the fixture's images, one-hot, with so many labels.
fn labels(reference: &Reference, count: i64) -> Tensor {
    one_hot(&reference.input(&format!("answers{count}"))).to_kind(reference.compute().kind)
}

#[test]
fn generator() {
    with_pytorch(&["generator/"], |reference| {
        let variables = reference.compute().variables();
        let generator = Generator::new(&variables.root(), Z_DIM, 1, WIDTHS, CHANNELS);
        reference.load("generator1", &variables);

        let z = reference.input("z").set_requires_grad(true);
        let labels = labels(reference, 1).set_requires_grad(true);
        let images = generator.forward_t(&z, &labels, true);
        reference.check("generator/images", &images);
        let product = (&images * reference.input("probe")).sum(images.kind());
        let inputs = [("z", &z), ("labels", &labels)];
        reference.check_gradients("generator", &product, &variables, &inputs);
        reference.check_running("generator", &variables);

        // The first z under the second label.
        let images = generator.forward_t(&z.narrow(0, 0, 1), &labels.narrow(0, 1, 1), false);
        reference.check("generator/eval", &images);
    });
}

#[test]
fn critic() {
    with_pytorch(&["critic/"], |reference| {
        let variables = reference.compute().variables();
        let critic = Critic::new(&variables.root(), 1, WIDTHS, CHANNELS, 0.3);
        reference.load("critic1", &variables);

        let images = reference.input("real").set_requires_grad(true);
        let labels = labels(reference, 1).set_requires_grad(true);
        let drawn = reference.drawn("critic");
        let scores = with_given(drawn, || critic.forward_t(&images, &labels, true));
        reference.check("critic/scores", &scores);
        let loss = generator_loss(&scores);
        reference.check("critic/loss", &loss);
        let inputs = [("images", &images), ("labels", &labels)];
        reference.check_gradients("critic", &loss, &variables, &inputs);

        let scores = critic.forward_t(&images, &labels.flip([0]), false);
        reference.check("critic/eval", &scores);
    });
}

/// Its gradients by the critic's weights are second derivatives. It is on the image alone.
#[test]
fn penalty() {
    with_pytorch(&["penalty/"], |reference| {
        let variables = reference.compute().variables();
        let critic = Critic::new(&variables.root(), 1, WIDTHS, CHANNELS, 0.3);
        reference.load("critic1", &variables);

        let (real, fake) = (reference.input("real"), reference.input("fake"));
        let labels = labels(reference, 1);
        let score = |images: &Tensor| critic.forward_t(images, &labels, true);
        let drawn = reference.drawn("penalty");
        let penalty = with_given(drawn, || gradient_penalty(score, &real, &fake));
        reference.check("penalty/value", &penalty);
        reference.check_gradients("penalty", &penalty, &variables, &[]);
    });
}

/// Two critic steps and a generator step, twice, with the book's settings: losses, and in the end every weight, statistic
/// and moment.
#[test]
fn whole_steps() {
    compare_steps(&["Blond_Hair"]);
}

#[test]
fn whole_steps_with_two_labels() {
    compare_steps(&["Blond_Hair", "Smiling"]);
}

fn compare_steps(names: &[&str]) {
    let count = names.len() as i64;
    let prefix = format!("steps{count}");
    with_pytorch(&[&format!("{prefix}/")], |reference| {
        let (_, book) = Settings::preset(Preset::Book);
        let names = names.iter().map(|name| name.to_string()).collect();
        let settings = Settings { labels: names, z_dim: Z_DIM, widths: WIDTHS, ..book };
        let mut gan = Cgan::new(&settings, CHANNELS, reference.compute());
        for (name, adam) in gan.parts() {
            reference.load(&format!("{name}{count}"), adam.network());
        }

        let (real, labels) = (reference.input("real"), labels(reference, count));
        let (mirrored, others) = (real.flip([3]), 1.0 - &labels);
        with_given(reference.drawn(&prefix), || {
            for step in 0..2 {
                for (k, (real, labels)) in
                    [(&real, &labels), (&mirrored, &others)].iter().enumerate()
                {
                    let losses = gan.critic_step(real, labels);
                    let prefix = format!("{prefix}/{step}/critic{k}");
                    reference.check(&format!("{prefix}/loss"), &losses.loss);
                    reference.check(&format!("{prefix}/wasserstein"), &losses.wasserstein);
                    reference.check(&format!("{prefix}/penalty"), &losses.penalty);
                }
                let loss = gan.generator_step(&others);
                reference.check(&format!("{prefix}/{step}/generator/loss"), &loss);
            }
        });
        for (name, adam) in gan.parts() {
            reference.check_trained(&format!("{prefix}/{name}"), adam);
        }
    });
}

#[test]
fn weights_in_files() {
    for count in [1, 2] {
        let network = VarStore::new(Device::Cpu);
        Generator::new(&network.root(), Z_DIM, count, WIDTHS, CHANNELS);
        the_same_file(&format!("generator{count}"), &network);
        let network = VarStore::new(Device::Cpu);
        Critic::new(&network.root(), count, WIDTHS, CHANNELS, 0.3);
        the_same_file(&format!("critic{count}"), &network);
    }
}
