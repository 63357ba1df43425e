//! The real program in fresh folders. What it shares with the other chapters, its refusals above all, is tested in `ch4-wgan-gp`.

#[path = "../../../tests/program.rs"]
mod program;

use program::Program;

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
}
