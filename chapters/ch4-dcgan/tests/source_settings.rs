//! The experiment `source-settings`: that each variant is what it says, and the real program in a fresh folder.

#[path = "../../../tests/program.rs"]
mod program;
#[path = "../experiments/source_settings.rs"]
#[allow(dead_code, reason = "its main is called by no test")]
mod source_settings;
#[path = "../../../tests/tensors.rs"]
mod tensors;

use std::collections::BTreeSet;
use std::fs;

use ch4_dcgan::train::{Dcgan, Settings, smooth_labels};
use program::Program;
use source_settings::{CORRECTED, Gan, Loss, Port, VARIANTS};
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Tensor, no_grad};
use tensors::{CPU, F32, WIDTHS, number};
use toolkit::cli::Preset;
use toolkit::noise::with_given;

fn settings() -> Settings {
    let (_, quick) = Settings::preset(Preset::Quick);
    Settings { z_dim: 3, widths: WIDTHS, ..quick }
}

fn port(name: &str) -> Port {
    VARIANTS.iter().find(|variant| variant.0 == name).unwrap().1
}

/// A variant's networks after a few updates.
fn trained(port: Port) -> Gan {
    tch::manual_seed(1);
    let mut gan = Gan::new(port, &settings(), CPU);
    for _ in 0..3 {
        gan.step(&Tensor::randn([4, 1, 64, 64], F32).tanh());
    }
    gan
}

fn drawn(gan: &Gan) -> Tensor {
    gan.draw(&Tensor::ones([1, 3, 1, 1], F32))
}

#[test]
fn corrected_is_the_chapters_own() {
    tch::manual_seed(1);
    let mut chapters = Dcgan::new(&settings(), 1, CPU);
    for _ in 0..3 {
        chapters.step(&Tensor::randn([4, 1, 64, 64], F32).tanh());
    }
    let gan = trained(CORRECTED);
    let z = Tensor::randn([2, 3, 1, 1], F32);
    assert!(gan.generator_adam.with_average(|| gan.draw(&z)).equal(&chapters.draw(&z)));
    assert!(gan.draw(&z).equal(&no_grad(|| chapters.generator.forward_t(&z, false))));
    let image = Tensor::randn([2, 1, 64, 64], F32).tanh();
    let judge = |network: &dyn ModuleT| network.forward_t(&image, false);
    assert!(judge(&gan.discriminator).equal(&judge(&chapters.discriminator)));
    // And they are the quick preset's.
    assert_eq!((CORRECTED.dropout, CORRECTED.label_noise), (settings().dropout, 0.1));
    assert_eq!(CORRECTED.label_noise, settings().label_noise);
}

#[test]
fn every_variant_differs_from_the_first() {
    let names: BTreeSet<&str> = VARIANTS.iter().map(|variant| variant.0).collect();
    assert_eq!(names.len(), VARIANTS.len());
    for (name, port, _) in VARIANTS {
        assert_eq!(name == VARIANTS[0].0, port == CORRECTED, "{name}");
    }
    // "port" and "all" leave nothing out that the single ones have and that is the port's.
    let (ported, all) = (port("port"), port("all"));
    for one in [ported, all] {
        assert_eq!((one.momentum, one.dropout), (port("momentum").momentum, 0.3));
        assert!(one.relu && one.default_weights && one.always_drops && one.two_calls);
    }
    assert_eq!((ported.epsilon, ported.label_noise), (1e-5, 0.1));
    assert_eq!((all.epsilon, all.label_noise, all.loss), (1e-3, -0.1, Loss::TwoSigmoids));
}

/// With momentum 0.9 the running mean is nine tenths of the last batch's; with 0.1, one tenth.
#[test]
fn momentum() {
    for (port, of_last) in [(port("momentum"), 0.9), (CORRECTED, 0.1)] {
        let norm = port.batch_norm(VarStore::new(Device::Cpu).root(), 1);
        for level in [5.0, 1.0] {
            let _ = norm.forward_t(&Tensor::full([2, 1, 4, 4], level, F32), true);
        }
        let expected = of_last + (1.0 - of_last) * of_last * 5.0;
        assert!((number(&norm.running_mean) - expected).abs() < 1e-5, "{expected}");
    }
}

#[test]
fn epsilon() {
    let half = 1e-3f64.sqrt() as f32;
    let x = Tensor::from_slice(&[half, -half]).view([1, 1, 1, 2]);
    for (port, gain) in [(port("epsilon"), 0.707), (CORRECTED, 0.995)] {
        let norm = port.batch_norm(VarStore::new(Device::Cpu).root(), 1);
        assert!((number(&norm.forward_t(&x, true).max()) - gain).abs() < 1e-3);
    }
}

/// Where every activation is negative, ReLUs let nothing through: every z gives the same image.
#[test]
fn relu() {
    tch::manual_seed(2);
    for (port, silent) in [(port("relu"), true), (CORRECTED, false)] {
        let variables = VarStore::new(Device::Cpu);
        let generator = port.generator(&variables.root(), 3, WIDTHS);
        no_grad(|| {
            for (name, mut variable) in variables.variables() {
                if name.ends_with("norm.bias") {
                    let _ = variable.fill_(-100.0);
                }
            }
        });
        let images = generator.forward_t(&Tensor::randn([2, 3, 1, 1], F32), false);
        assert_eq!(images.get(0).equal(&images.get(1)), silent);
        assert_eq!(number(&images.abs().max()) == 0.0, silent);
    }
}

/// U(−b, b) with b = 1/√fan-in, and PyTorch takes a transposed convolution's fan-in from the second axis of its weights.
#[test]
fn default_weights() {
    tch::manual_seed(3);
    let variables = VarStore::new(Device::Cpu);
    let (port, widths) = (port("default-weights"), [32, 64, 32, 48]);
    port.generator(&(variables.root() / "g"), 64, widths);
    port.discriminator(&(variables.root() / "d"), widths);
    for (name, weight) in variables.variables() {
        if name.ends_with("conv.weight") {
            let fan_in = 16.0 * weight.size()[1] as f64;
            let (bound, most) = (fan_in.sqrt().recip(), number(&weight.abs().max()));
            assert!(most <= bound * 1.0001 && most > 0.98 * bound, "{name}: {most} of {bound}");
            let deviation = number(&weight.std(true)) / (bound / 3f64.sqrt());
            assert!((deviation - 1.0).abs() < 0.1, "{name}: {deviation}");
        }
    }
}

#[test]
fn sharp_labels_lie_outside() {
    let logits = Tensor::zeros([1000], F32);
    let labels = |real| smooth_labels(&logits, real, port("sharp-labels").label_noise);
    let (real, fake) = (labels(true), labels(false));
    assert!(number(&real.min()) >= 1.0 && number(&real.max()) > 1.09);
    assert!(number(&fake.max()) <= 0.0 && number(&fake.min()) < -0.09);
}

#[test]
fn losses() {
    let slope = |loss: Loss, logit: f32| {
        let logit = Tensor::from_slice(&[logit]).set_requires_grad(true);
        let loss = loss.of(&logit, &logit.ones_like());
        number(&Tensor::run_backward(&[loss], &[&logit], false, false)[0])
    };
    assert_eq!(port("two-sigmoids").loss, Loss::TwoSigmoids);
    assert!(slope(Loss::TwoSigmoids, -8.0).abs() < 2e-4);
    assert!((slope(Loss::OnLogits, -8.0) + 0.9997).abs() < 1e-4);
    assert!((slope(Loss::OnProbabilities, -8.0) + 0.9997).abs() < 1e-3);
    assert_eq!((slope(Loss::OnProbabilities, -90.0), slope(Loss::OnLogits, -90.0)), (0.0, -1.0));
}

/// Whether dropout stays on is seen in evaluation mode, and there alone.
#[test]
fn dropout_that_stays_on() {
    let image = Tensor::full([1, 1, 64, 64], 0.5, F32);
    let gans = [port("dropout"), port("dropout-stays-on")].map(trained);
    let says = |gan: &Gan| gan.discriminator.forward_t(&image, false);
    assert!(says(&gans[0]).equal(&says(&gans[0])));
    assert!(!says(&gans[1]).equal(&says(&gans[1])));
    assert!(drawn(&gans[0]).equal(&drawn(&gans[1])));
    assert!(!drawn(&gans[0]).equal(&drawn(&trained(CORRECTED))));
}

/// It asks for noise a second time, and D's running statistics move once more.
#[test]
fn two_calls() {
    tch::manual_seed(4);
    let real = Tensor::randn([2, 1, 64, 64], F32).tanh();
    let z = || Tensor::randn([2, 3, 1, 1], F32);
    let labels = || Tensor::full([2], 0.5, F32);
    for (port, calls) in [(port("two-calls"), 2), (CORRECTED, 1)] {
        let mut gan = Gan::new(port, &settings(), CPU);
        let mut given = vec![z(), labels(), labels()];
        given.extend((1..calls).map(|_| z()));
        // Panics if other or more or fewer numbers are asked for.
        with_given(given, || gan.step(&real));
    }
}

#[test]
fn the_program_measures_keeps_and_refuses() {
    let program = Program::experiment(
        "source-settings",
        "experiments/source_settings.rs",
        env!("CARGO_TARGET_TMPDIR"),
    );
    let run = ["--seeds", "1", "--steps", "2", "--measured", "8", "--out", "out"];
    let (said, _) = program.succeed(&run);
    assert!(said.ends_with("out/results.json\n"), "{said}");
    let results: serde_json::Value =
        serde_json::from_slice(&fs::read(program.at("out/results.json")).unwrap()).unwrap();
    assert!(results["floor"].as_f64().unwrap() > 0.0 && results["threads"].as_i64().unwrap() > 0);
    assert_eq!(results["settings"]["steps"], 2);
    for (i, (name, _, change)) in VARIANTS.iter().enumerate() {
        let (run, median) = (&results["runs"][i], &results["variants"][i]);
        assert_eq!((&run["variant"], &median["variant"]), (&(*name).into(), &(*name).into()));
        for key in ["swd_mean_weights", "swd_last_weights"] {
            assert!(run[key].as_f64().unwrap() > 0.0, "{run}");
            assert_eq!(run[key], median[key]);
        }
        assert_eq!((&run["seed"], &run["images"]), (&0.into(), &32.into()));
        assert!(said.contains(&format!("| {change} |")), "{said}");
        for weights in ["mean", "last"] {
            let sheet = format!("out/{name}-0-{weights}-weights.png");
            assert_eq!(program.size(&sheet), (8 * 66 + 2, 66 + 2));
        }
    }
    assert_eq!(program.size("out/rows.png"), (8 * 66 + 2, VARIANTS.len() as u32 * 74 - 6));
    let distance = |i: usize| &results["runs"][i]["swd_last_weights"];
    let place = |name| VARIANTS.iter().position(|variant| variant.0 == name).unwrap();
    assert_eq!(distance(place("dropout")), distance(place("dropout-stays-on")));

    // What is there stays; what is missing is made again, and is the same.
    let file = program.at("out/runs/relu-0.json");
    let kept = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let (again, told) = program.succeed(&run);
    assert_eq!(told.matches("there already").count(), VARIANTS.len() - 1, "{told}");
    let without_time = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("\"seconds\""));
        lines.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(without_time(&kept), without_time(&fs::read_to_string(&file).unwrap()));
    assert_eq!(again.lines().count(), said.lines().count());

    let other = ["--steps", "3", "--measured", "8", "--out", "out"];
    program.refuse(&other, &["out/runs/corrected-0.json", "other settings"]);
    fs::write(&file, &kept[..kept.len() / 2]).unwrap();
    program.refuse(&run, &["out/runs/relu-0.json"]);
    fs::write(program.at("letter"), "dear").unwrap();
    program.refuse(&["--measured", "8", "--out", "letter"], &["letter"]);
    program.refuse(&["--measured", "4000", "--out", "new"], &["--measured 4000", "3608"]);
    program.misunderstand(&[&["--steps", "0"], &["--measured", "7"], &["--seeds", "0"]]);
}
