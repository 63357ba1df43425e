//! The experiment `ablations`: that each variant is what it says, and the real program in a fresh folder.

#[path = "../experiments/ablations.rs"]
#[allow(dead_code, reason = "its main is called by no test")]
mod ablations;
#[path = "../../../tests/program.rs"]
mod program;
#[path = "../../../tests/tensors.rs"]
mod tensors;

use std::fs;

use ablations::{Change, Gan, Normalised, VARIANTS, normal_alpha, normalised_critic};
use ch4_wgan_gp::model::Critic;
use ch4_wgan_gp::train::{Settings, WganGp};
use program::Program;
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor};
use tensors::{CPU, F32, WIDTHS, number};
use toolkit::cli::Preset;

fn settings() -> Settings {
    let (_, quick) = Settings::preset(Preset::Quick);
    Settings { z_dim: 3, widths: WIDTHS, ..quick }
}

/// Two in three are outside of the segment.
#[test]
fn a_normal_alpha_leaves_the_segment() {
    tch::manual_seed(1);
    let alpha = normal_alpha(&Tensor::zeros([10_000, 1, 1, 1], F32));
    assert_eq!(alpha.size(), [10_000, 1, 1, 1]);
    let outside = alpha.lt(0.0).logical_or(&alpha.gt(1.0)).to_kind(Kind::Double);
    let share = number(&outside.mean(Kind::Double));
    assert!((share - 0.6587).abs() < 0.02, "{share}");

    // The step has the same noise as the chapter's, and so the same estimate, but other points in the penalty.
    let real = Tensor::randn([4, 1, 64, 64], F32).tanh();
    let [chapters, normals] = [WganGp::critic_step, ablations::with_normal_alpha].map(|step| {
        tch::manual_seed(2);
        step(&mut WganGp::new(&settings(), 1, CPU), &real)
    });
    assert_eq!(number(&chapters.wasserstein), number(&normals.wasserstein));
    assert_ne!(number(&chapters.penalty), number(&normals.penalty));
}

/// How much of the gradient of an image's score is by the other images.
fn by_others(critic: &dyn ModuleT) -> f64 {
    let images = Tensor::randn([4, 1, 64, 64], F32).tanh().set_requires_grad(true);
    let score = critic.forward_t(&images, true).get(0);
    let by = Tensor::run_backward(&[score], &[&images], false, false).remove(0).abs();
    number(&by.narrow(0, 1, 3).sum(Kind::Float)) / number(&by.sum(Kind::Float))
}

#[test]
fn batch_norm_mixes_the_images() {
    tch::manual_seed(3);
    let (with, without) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let normalised = normalised_critic(&with.root(), WIDTHS);
    let chapters = Critic::new(&without.root(), WIDTHS, 1, 0.0);
    assert!(by_others(&normalised) > 0.01, "{}", by_others(&normalised));
    assert_eq!(by_others(&chapters), 0.0);

    // Three normalisations, scale and shift, are all that it has more.
    let count = |variables: &VarStore| -> usize {
        variables.trainable_variables().iter().map(|variable| variable.numel()).sum()
    };
    assert_eq!(count(&with), count(&without) + 2 * (6 + 8 + 10));
}

/// Both networks begin with the weights that the chapter's would have.
#[test]
fn the_normalised_pair_begins_as_the_chapters() {
    tch::manual_seed(4);
    let mut chapters = WganGp::new(&settings(), 1, CPU);
    tch::manual_seed(4);
    let gan = Normalised::new(&settings(), CPU);
    let z = Tensor::randn([2, 3, 1, 1], F32);
    let draw = |generator: &dyn ModuleT| generator.forward_t(&z, true);
    assert!(draw(&gan.generator).equal(&draw(&chapters.generator)));
    let [_, (_, chapters)] = chapters.parts();
    let (ours, chapters) = (gan.critic_adam.network().variables(), chapters.network().variables());
    for (name, weight) in chapters {
        assert!(weight.equal(&ours[&name]), "{name}");
    }
}

/// One update of the generator, and as many of the critic as the variant says, each on a batch of its own.
#[test]
fn steps_are_counted() {
    tch::manual_seed(5);
    let real = Tensor::randn([2, 1, 64, 64], F32).tanh();
    for (change, critic_steps, expected) in [
        (Change::Nothing, 3, vec![0, 1, 2]),
        (Change::CriticSteps(1), 1, vec![0]),
        (Change::CriticSteps(5), 5, vec![0, 1, 2, 3, 4]),
    ] {
        assert_eq!(change.critic_steps(&settings()), critic_steps);
        let mut gan = Gan::WganGp(WganGp::new(&settings(), 1, CPU));
        let mut asked = Vec::new();
        let estimate = gan.step(change, critic_steps, &mut |k| {
            asked.push(k);
            real.shallow_clone()
        });
        assert!(estimate.is_some());
        assert_eq!(asked, expected);
        let Gan::WganGp(mut gan) = gan else { unreachable!() };
        let updates = gan.parts().map(|(_, adam)| adam.state()[1].1.int64_value(&[]));
        assert_eq!(updates, [1, critic_steps as i64]);
    }
    assert_eq!(Change::OneBatch.critic_steps(&settings()), 3);
    assert_eq!(Change::Dcgan.critic_steps(&settings()), 1);
}

#[test]
fn the_program_measures_keeps_and_refuses() {
    let program =
        Program::experiment("ablations", "experiments/ablations.rs", env!("CARGO_TARGET_TMPDIR"));
    let run = ["--seeds", "1", "--steps", "4", "--measured", "8", "--out", "out"];
    let (said, _) = program.succeed(&run);
    assert!(said.ends_with("out/results.json\n"), "{said}");
    let results: serde_json::Value =
        serde_json::from_slice(&fs::read(program.at("out/results.json")).unwrap()).unwrap();
    assert!(results["floor"].as_f64().unwrap() > 0.0 && results["threads"].as_i64().unwrap() > 0);
    for (i, (name, ..)) in VARIANTS.iter().enumerate() {
        let (run, summary) = (&results["runs"][i], &results["variants"][i]);
        assert_eq!((&run["variant"], &summary["variant"]), (&(*name).into(), &(*name).into()));
        let points = run["points"].as_array().unwrap();
        assert!(points.iter().all(|point| point["swd"].as_f64().unwrap() > 0.0), "{run}");
        // Where each was measured: (updates of the generator, of the critic, images).
        let places: Vec<[u64; 3]> = points
            .iter()
            .map(|point| {
                ["generator_updates", "critic_updates", "images"]
                    .map(|key| point[key].as_u64().unwrap())
            })
            .collect();
        let expected = match *name {
            "chapter" | "batch-norm" | "normal-alpha" | "dropout" => {
                vec![[1, 3, 48], [2, 6, 96], [3, 9, 144], [4, 12, 192]]
            }
            "one-batch" => vec![[1, 3, 16], [2, 6, 32], [3, 9, 48], [4, 12, 64]],
            "one-step" | "dcgan-images" => {
                vec![[3, 3, 48], [4, 4, 64], [6, 6, 96], [9, 9, 144], [12, 12, 192]]
            }
            "five-steps" => vec![[1, 5, 80], [2, 10, 160], [3, 15, 240], [4, 20, 320]],
            _ => Vec::new(), // by the clock
        };
        assert!(expected.is_empty() || places == expected, "{name}: {places:?}");
        let critic = !name.starts_with("dcgan");
        for key in ["wasserstein", "scatter", "gradient"] {
            let numbers = summary[key].as_array().unwrap();
            assert_eq!(numbers.len(), usize::from(critic), "{summary}");
            assert!(numbers.iter().all(serde_json::Value::is_f64), "{summary}");
        }
        assert!(said.contains(&format!("| `{name}` | ")), "{said}");
        assert_eq!(program.size(&format!("out/{name}-0.png")), (8 * 66 + 2, 66 + 2));
    }
    assert_eq!(program.size("out/rows.png"), (8 * 66 + 2, VARIANTS.len() as u32 * 74 - 6));
    // A step of the chapter's has three updates of the critic, with penalties; DCGAN makes more than one in that time.
    let place = VARIANTS.iter().position(|variant| variant.0 == "dcgan-time").unwrap();
    assert!(
        results["variants"][place]["generator_updates"][0].as_f64().unwrap() > 4.0,
        "{results}"
    );
    let plot = fs::read_to_string(program.at("out/distances.svg")).unwrap();
    assert!(VARIANTS.iter().all(|variant| plot.contains(variant.0)), "{plot}");

    // What is there stays; what is missing is made again, and is the same but for the time.
    let file = program.at("out/runs/normal-alpha-0.json");
    let kept = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let (_, told) = program.succeed(&run);
    assert_eq!(told.matches("there already").count(), VARIANTS.len() - 1, "{told}");
    let without_time = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("\"seconds\""));
        lines.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(without_time(&kept), without_time(&fs::read_to_string(&file).unwrap()));

    let other = ["--steps", "3", "--measured", "8", "--out", "out"];
    program.refuse(&other, &["out/runs/chapter-0.json", "other settings"]);
    fs::write(&file, &kept[..kept.len() / 2]).unwrap();
    program.refuse(&run, &["out/runs/normal-alpha-0.json"]);
    fs::write(program.at("letter"), "dear").unwrap();
    program.refuse(&["--measured", "8", "--out", "letter"], &["letter"]);
    program.refuse(&["--measured", "4000", "--out", "new"], &["--measured 4000", "3608"]);
    program.misunderstand(&[&["--steps", "0"], &["--measured", "7"], &["--seeds", "0"]]);
}
