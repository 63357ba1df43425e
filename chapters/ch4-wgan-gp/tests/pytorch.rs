//! Networks, losses, the penalty and whole steps against PyTorch: `tests/pytorch/wgan_gp.py` at the root holds the same in
//! Python.

#[path = "../../../tests/pytorch/compare.rs"]
mod compare;

use ch4_wgan_gp::model::{Critic, Generator};
use ch4_wgan_gp::train::{Settings, WganGp, critic_loss, generator_loss, gradient_penalty};
use compare::{the_same_file, with_pytorch};
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Tensor};
use toolkit::cli::Preset;
use toolkit::noise::with_given;

const Z_DIM: i64 = 5;
const WIDTHS: [i64; 4] = [4, 6, 8, 10];
const CHANNELS: i64 = 2;

#[test]
fn generator() {
    with_pytorch(&["generator/"], |reference| {
        let variables = reference.compute().variables();
        let generator = Generator::new(&variables.root(), Z_DIM, WIDTHS, CHANNELS);
        reference.load("generator", &variables);

        let z = reference.input("z").set_requires_grad(true);
        let images = generator.forward_t(&z, true);
        reference.check("generator/images", &images);
        let product = (&images * reference.input("probe")).sum(images.kind());
        reference.check_gradients("generator", &product, &variables, &[("z", &z)]);
        reference.check_running("generator", &variables);

        let images = generator.forward_t(&z.narrow(0, 0, 1), false);
        reference.check("generator/eval", &images);
    });
}

#[test]
fn critic() {
    with_pytorch(&["critic/"], |reference| {
        let variables = reference.compute().variables();
        let critic = Critic::new(&variables.root(), WIDTHS, CHANNELS, 0.3);
        reference.load("critic", &variables);

        let images = reference.input("real").set_requires_grad(true);
        let scores = with_given(reference.drawn("critic"), || critic.forward_t(&images, true));
        reference.check("critic/scores", &scores);
        let loss = generator_loss(&scores);
        reference.check("critic/loss", &loss);
        reference.check_gradients("critic", &loss, &variables, &[("images", &images)]);

        reference.check("critic/eval", &critic.forward_t(&images, false));
    });
}

#[test]
fn wasserstein_loss() {
    with_pytorch(&["critic_loss/"], |reference| {
        let names = ["real_scores", "fake_scores"];
        let scores = names.map(|name| reference.input(name).set_requires_grad(true));
        let loss = critic_loss(&scores[0], &scores[1]);
        reference.check("critic_loss/loss", &loss);
        let gradients = Tensor::run_backward(&[loss], &scores, false, false);
        for (name, gradient) in names.iter().zip(gradients) {
            reference.check(&format!("critic_loss/gradient/{name}"), &gradient);
        }
    });
}

/// Its gradients by the critic's weights are second derivatives.
#[test]
fn penalty() {
    with_pytorch(&["penalty/"], |reference| {
        let variables = reference.compute().variables();
        let critic = Critic::new(&variables.root(), WIDTHS, CHANNELS, 0.3);
        reference.load("critic", &variables);

        let (real, fake) = (reference.input("real"), reference.input("fake"));
        let penalty =
            with_given(reference.drawn("penalty"), || gradient_penalty(&critic, &real, &fake));
        reference.check("penalty/value", &penalty);
        reference.check_gradients("penalty", &penalty, &variables, &[]);
    });
}

/// Two critic steps and a generator step, twice, with the book's settings: losses, and in the end every weight, statistic
/// and moment.
#[test]
fn whole_steps() {
    with_pytorch(&["step", "trained/"], |reference| {
        let (_, book) = Settings::preset(Preset::Book);
        let settings = Settings { z_dim: Z_DIM, widths: WIDTHS, ..book };
        let mut gan = WganGp::new(&settings, CHANNELS, reference.compute());
        for (name, adam) in gan.parts() {
            reference.load(name, adam.network());
        }

        let real = reference.input("real");
        let batches = [real.shallow_clone(), real.flip([3])];
        with_given(reference.drawn("steps"), || {
            for step in 0..2 {
                for (k, real) in batches.iter().enumerate() {
                    let losses = gan.critic_step(real);
                    let prefix = format!("step{step}/critic{k}");
                    reference.check(&format!("{prefix}/loss"), &losses.loss);
                    reference.check(&format!("{prefix}/wasserstein"), &losses.wasserstein);
                    reference.check(&format!("{prefix}/penalty"), &losses.penalty);
                }
                let loss = gan.generator_step(real.size()[0]);
                reference.check(&format!("step{step}/generator/loss"), &loss);
            }
        });
        for (name, adam) in gan.parts() {
            reference.check_trained(&format!("trained/{name}"), adam);
        }
    });
}

#[test]
fn weights_in_files() {
    let network = VarStore::new(Device::Cpu);
    Generator::new(&network.root(), Z_DIM, WIDTHS, CHANNELS);
    the_same_file("generator", &network);
    let network = VarStore::new(Device::Cpu);
    Critic::new(&network.root(), WIDTHS, CHANNELS, 0.3);
    the_same_file("critic", &network);
}
