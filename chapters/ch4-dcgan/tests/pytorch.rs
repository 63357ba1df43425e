//! Networks, losses and whole steps against PyTorch: `tests/pytorch/dcgan.py` at the root holds the same in Python.

#[path = "../../../tests/pytorch/compare.rs"]
mod compare;

use ch4_dcgan::model::{Discriminator, Generator};
use ch4_dcgan::train::{Dcgan, Settings, bce};
use compare::{the_same_file, with_pytorch};
use tch::nn::{ModuleT, Path, VarStore};
use tch::{Device, Tensor};
use toolkit::cli::Preset;
use toolkit::noise::with_given;

const Z_DIM: i64 = 5;
const WIDTHS: [i64; 4] = [4, 6, 8, 10];
const CHANNELS: i64 = 1;

type Build = fn(&Path<'_>, i64, [i64; 4], i64) -> Generator;

#[test]
fn generators() {
    for (name, build) in
        [("generator", Generator::new as Build), ("upsampling", Generator::upsampling)]
    {
        with_pytorch(&[&format!("{name}/")], |reference| {
            let variables = reference.compute().variables();
            let generator = build(&variables.root(), Z_DIM, WIDTHS, CHANNELS);
            reference.load(name, &variables);

            let z = reference.input("z").set_requires_grad(true);
            let images = generator.forward_t(&z, true);
            reference.check(&format!("{name}/images"), &images);
            let product = (&images * reference.input("probe")).sum(images.kind());
            reference.check_gradients(name, &product, &variables, &[("z", &z)]);
            reference.check_running(name, &variables);

            let images = generator.forward_t(&z.narrow(0, 0, 1), false);
            reference.check(&format!("{name}/eval"), &images);
        });
    }
}

#[test]
fn discriminator() {
    with_pytorch(&["discriminator/"], |reference| {
        let variables = reference.compute().variables();
        let discriminator = Discriminator::new(&variables.root(), WIDTHS, CHANNELS, 0.3);
        reference.load("discriminator", &variables);

        let images = reference.input("real").set_requires_grad(true);
        let logits =
            with_given(reference.drawn("discriminator"), || discriminator.forward_t(&images, true));
        reference.check("discriminator/logits", &logits);
        let loss = bce(&logits, &reference.input("image_labels"));
        reference.check("discriminator/loss", &loss);
        reference.check_gradients("discriminator", &loss, &variables, &[("images", &images)]);
        reference.check_running("discriminator", &variables);

        reference.check("discriminator/eval", &discriminator.forward_t(&images, false));
    });
}

/// At logits from −90 to 90.
#[test]
fn binary_cross_entropy() {
    with_pytorch(&["bce/"], |reference| {
        let logits = reference.input("logits").set_requires_grad(true);
        let loss = bce(&logits, &reference.input("labels"));
        reference.check("bce/loss", &loss);
        let gradient = Tensor::run_backward(&[loss], &[&logits], false, false).remove(0);
        reference.check("bce/gradient", &gradient);
    });
}

/// Two of them, with the book's settings: losses, and in the end every weight, statistic and moment.
#[test]
fn whole_steps() {
    with_pytorch(&["step", "trained/"], |reference| {
        let (_, book) = Settings::preset(Preset::Book);
        let settings = Settings { z_dim: Z_DIM, widths: WIDTHS, ..book };
        let mut gan = Dcgan::new(&settings, CHANNELS, reference.compute());
        for (name, adam) in gan.parts() {
            reference.load(name, adam.network());
        }

        let real = reference.input("real");
        with_given(reference.drawn("steps"), || {
            for step in 0..2 {
                let losses = gan.step(&real);
                reference.check(&format!("step{step}/discriminator_loss"), &losses.discriminator);
                reference.check(&format!("step{step}/generator_loss"), &losses.generator);
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
    Generator::upsampling(&network.root(), Z_DIM, WIDTHS, CHANNELS);
    the_same_file("upsampling", &network);
    let network = VarStore::new(Device::Cpu);
    Discriminator::new(&network.root(), WIDTHS, CHANNELS, 0.3);
    the_same_file("discriminator", &network);
}
