//! The real program in fresh folders. What it shares with the other chapters, its refusals above all, is tested in `ch4-wgan-gp`.

#[path = "../../../tests/program.rs"]
mod program;

use std::fs;

use program::Program;
use tch::Kind;
use toolkit::checkpoint;

const TRAIN: [&str; 7] = ["train", "--data", "pictures", "--channels", "1", "--batch-size", "8"];

#[test]
fn a_run_can_be_repeated_stopped_sampled_and_measured() {
    let program = Program::new("ch4-dcgan", env!("CARGO_BIN_EXE_ch4-dcgan"));
    program.draw_pictures(240);
    program.runs_are_reproducible(&TRAIN);

    let (said, _) =
        program.succeed(&["sample", "--checkpoint", "whole", "--count", "9", "--out", "nine.png"]);
    assert_eq!(said, "nine.png\n");
    assert_eq!(program.size("nine.png"), (8 * 66 + 2, 2 * 66 + 2));

    let (said, _) = program.succeed(&["evaluate", "--checkpoint", "whole", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(report["times_floor"].as_f64().unwrap() > 1.0, "{report}");
    assert!(report.get("nearest").is_none(), "{report}");
    let (table, _) = program.succeed(&["evaluate", "--checkpoint", "whole"]);
    let times = format!("{:.1} times as far", report["times_floor"].as_f64().unwrap());
    assert!(table.contains(&times), "{table}");

    // The two folders of pictures are its classes. Who draws nearly nothing else than noise draws no more of them than there are.
    let counted = ["evaluate", "--checkpoint", "whole", "--json", "--coverage"];
    let report: serde_json::Value = serde_json::from_str(&program.succeed(&counted).0).unwrap();
    let coverage = &report["coverage"];
    assert_eq!(coverage["classes"], 2, "{report}");
    let missing = coverage["missing"].as_array().unwrap().len();
    assert_eq!(coverage["drawn"].as_u64().unwrap() as usize + missing, 2, "{report}");
    assert!((0.0..=1.0).contains(&coverage["classifier"].as_f64().unwrap()), "{report}");
    // The classifier is kept for the next time.
    let (again, trained_again) = program.succeed(&counted);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), report);
    assert!(!trained_again.contains("training a classifier"), "{trained_again}");

    // Weights that were exported are half as large, and draw what they drew.
    let (said, _) = program.succeed(&["export", "--checkpoint", "whole", "--out", "kept"]);
    assert_eq!(said, "kept\n");
    let mut kept: Vec<String> = fs::read_dir(program.at("kept"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    let network = |name: &str| format!("{name}.safetensors");
    let networks = [network("discriminator"), network("generator")];
    assert_eq!(kept, ["config.json", &networks[0], &networks[1], "state.json"]);
    for name in &networks {
        let size = |folder: &str| fs::metadata(program.at(folder).join(name)).unwrap().len() as f64;
        let share = size("kept") / size("whole/checkpoint");
        assert!((0.45..0.55).contains(&share), "{name}: {share}");
    }
    // Batch norm's numbers of batches are whole and stay so.
    let tensors = |folder: &str| checkpoint::read(&program.at(folder).join(&networks[1])).unwrap();
    let counts = |folder: &str| -> Vec<(String, i64)> {
        let whole = tensors(folder).into_iter().filter(|(_, t)| t.kind() == Kind::Int64);
        whole.map(|(name, t)| (name, t.int64_value(&[]))).collect()
    };
    assert_eq!(counts("kept"), counts("whole/checkpoint"));
    assert!(tensors("kept").iter().any(|(_, t)| t.kind() == Kind::Half));
    program.succeed(&["sample", "--checkpoint", "kept", "--count", "9", "--out", "kept.png"]);
    let pixels = |name| image::open(program.at(name)).unwrap().into_rgb8().into_raw();
    let apart = pixels("nine.png").into_iter().zip(pixels("kept.png")).map(|(a, b)| a.abs_diff(b));
    assert!(apart.max().unwrap() <= 1);
    program.refuse(&["export", "--checkpoint", "whole", "--out", "kept"], &["kept"]);
    program.refuse(&["export", "--checkpoint", "pictures", "--out", "new"], &["pictures"]);
    program.refuse(&["export", "--out", "new"], &["no trained run here yet"]);
    assert!(!program.at("new").exists());
}
