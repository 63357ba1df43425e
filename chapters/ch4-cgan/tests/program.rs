//! The real program in fresh folders: what it writes, what it refuses, and that a stopped run goes on as if it had not stopped.

#[path = "../../../tests/program.rs"]
mod program;

use std::fs;

use program::Program;

/// The program with a folder `faces` in CelebA's layout: 200 small pictures, yellow above where the table says blond, black
/// where it does not, and with a white band below where it says smiling.
fn with_faces() -> Program {
    let program = Program::new("ch4-cgan", env!("CARGO_BIN_EXE_ch4-cgan"));
    let images = program.at("faces/img_align_celeba");
    fs::create_dir_all(&images).unwrap();
    let mut table = "image_id,Blond_Hair,Smiling,Bald\n".to_string();
    for i in 0..200u32 {
        let (blond, smiling) = (i % 4 == 0, i % 3 == 0);
        let name = format!("{:06}.png", i + 1);
        let draw = |x: u32, y: u32| match y {
            0..24 if blond => image::Rgb([230, 200, i as u8]),
            0..24 => image::Rgb([20, 10, i as u8]),
            48..56 if smiling => image::Rgb([250; 3]),
            _ => image::Rgb([180, 120, (2 * x) as u8]),
        };
        image::RgbImage::from_fn(64, 64, draw).save(images.join(&name)).unwrap();
        let value = |yes| if yes { 1 } else { -1 };
        table += &format!("{name},{},{},-1\n", value(blond), value(smiling));
    }
    fs::write(program.at("faces/list_attr_celeba.csv"), table).unwrap();
    program
}

const TRAIN: [&str; 5] = ["train", "--data", "faces", "--batch-size", "8"];

fn train(program: &Program, more: &[&str]) -> String {
    program.succeed(&[&TRAIN[..], more].concat()).1
}

/// Pixels of so many images beside each other.
fn tiles(n: u32) -> u32 {
    n * 66 + 2
}

#[test]
fn a_run_folder_holds_what_it_should_and_resuming_changes_nothing() {
    let program = with_faces();
    program.runs_are_reproducible(&TRAIN);
    assert_eq!(program.size("whole/labels.png"), (tiles(10), tiles(2)));
    let config = fs::read_to_string(program.at("whole/config.json")).unwrap();
    assert!(config.contains("\"Blond_Hair\""), "{config}");

    // The label is the usual one, and another one gives another run.
    let said = train(&program, &["--steps", "4", "--out", "usual", "--label", "Blond_Hair"]);
    assert!(said.contains("usual/labels.png") && said.contains("Blond_Hair"), "{said}");
    assert!(program.checkpoint("whole") == program.checkpoint("usual"));
    train(&program, &["--steps", "4", "--out", "smiling", "--label", "Smiling"]);
    assert!(program.checkpoint("whole") != program.checkpoint("smiling"));
}

#[test]
fn two_labels_at_once_and_what_can_be_asked_for() {
    let program = with_faces();
    let both = ["--label", "Smiling", "--label", "Blond_Hair"];
    train(&program, &[&["--steps", "1", "--out", "run"], &both[..]].concat());
    assert_eq!(program.size("run/labels.png"), (tiles(10), tiles(4)));
    assert_eq!(program.size("run/samples/000001.png"), (tiles(8), tiles(8)));

    const SAMPLE: [&str; 5] = ["sample", "--checkpoint", "run", "--out", "sheet.png"];
    let sample = |more: &[&str]| program.succeed(&[&SAMPLE[..], more].concat());
    // The same z both ways, for both labels: rows of six, four under each other.
    let (name, said) = sample(&["--count", "21"]);
    assert_eq!(name, "sheet.png\n");
    assert_eq!(program.size("sheet.png"), (tiles(6), tiles(4)));
    let rows = ["Smiling=0 Blond_Hair=0", "Smiling=0 Blond_Hair=1", "Smiling=1 Blond_Hair=0"];
    assert!(rows.iter().all(|row| said.contains(row)), "{said}");
    let all = image::open(program.at("sheet.png")).unwrap().to_rgb8();
    let row = |n: u32| image::imageops::crop_imm(&all, 0, n * 66 + 2, tiles(6), 64).to_image();

    // One asked for: the other both ways. Both asked for: that row alone.
    sample(&["--count", "12", "--label", "Smiling=1"]);
    assert_eq!(program.size("sheet.png"), (tiles(6), tiles(2)));
    sample(&["--count", "6", "--label", "Blond_Hair=0", "--label", "Smiling"]);
    assert_eq!(program.size("sheet.png"), (tiles(6), tiles(1)));
    let asked = image::open(program.at("sheet.png")).unwrap().to_rgb8();
    let asked = image::imageops::crop_imm(&asked, 0, 2, tiles(6), 64).to_image();
    assert!(asked == row(2), "what is asked for is the third row of all");
    assert!(asked != row(3) && asked != row(0));

    // A walk, the same under each combination; what is left over of a row is walked to its end.
    sample(&["--count", "36", "--walk"]);
    assert_eq!(program.size("sheet.png"), (tiles(8), tiles(8)));
    let walked = image::open(program.at("sheet.png")).unwrap().to_rgb8();
    sample(&["--count", "32", "--walk"]);
    let first = image::open(program.at("sheet.png")).unwrap().to_rgb8();
    assert_eq!(first.dimensions(), (tiles(8), tiles(4)));
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1; // but for rounding
    assert!(first.as_raw().iter().zip(walked.as_raw()).all(near));

    let refuse = |asked: &[&str], parts: &[&str]| {
        program.refuse(&[&SAMPLE[..], asked].concat(), parts);
    };
    refuse(&["--label", "Bald"], &["run", "Smiling, Blond_Hair", "\"Bald\""]);
    refuse(&["--label", "Smiling", "--label", "Smiling=0"], &["twice"]);
    program.misunderstand(&[&[&SAMPLE[..], &["--label", "Smiling=2"]].concat()]);
}

#[test]
fn the_weights_that_come_with_the_book_draw_what_is_asked_for() {
    let program = Program::new("ch4-cgan", env!("CARGO_BIN_EXE_ch4-cgan"));
    let (name, said) = program.succeed(&["sample", "--count", "16"]);
    assert_eq!(name, "sample.png\n");
    assert!(said.contains("portraits, which come with the book"), "{said}");
    assert_eq!(program.size("sample.png"), (tiles(8), tiles(2)));
    let sheet = image::open(program.at("sample.png")).unwrap().to_rgb8();
    // How yellow a row of faces is above the eyes, where there is hair: red and green without blue.
    let yellow = |row: u32| {
        let hair = |&(x, y, _): &(u32, u32, &image::Rgb<u8>)| {
            (18..50).contains(&(x % 66)) && (row * 66 + 6..row * 66 + 22).contains(&y)
        };
        let excess = |(_, _, p): (u32, u32, &image::Rgb<u8>)| {
            (f64::from(p[0]) + f64::from(p[1])) / 2.0 - f64::from(p[2])
        };
        sheet.enumerate_pixels().filter(hair).map(excess).sum::<f64>() / f64::from(8 * 32 * 16)
    };
    assert!(yellow(1) > yellow(0) + 10.0, "{} with blond hair, {} without", yellow(1), yellow(0));
}

#[test]
fn evaluate_reports_what_was_drawn_and_what_was_asked_for() {
    let program = with_faces();
    train(&program, &["--steps", "2", "--out", "run"]);
    let (json, _) = program.succeed(&["evaluate", "--checkpoint", "run", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let share = |pointer: &str| {
        let share = report.pointer(pointer).and_then(|value| value.as_f64());
        share.unwrap_or_else(|| panic!("{pointer} in {report}"))
    };
    assert!(share("/swd/mean") > share("/floor/mean"), "{report}");
    assert_eq!(report["labels"][0]["asked"], 4000);
    assert_eq!(report["labels"][0]["name"], "Blond_Hair");
    // Yellow or black: the classifier cannot miss it.
    assert_eq!(share("/labels/0/classifier/all"), 1.0);
    assert_eq!(share("/labels/0/classifier/when_yes"), 1.0);
    let asked = "/labels/0/drawn_as_asked";
    let halves = (share(&format!("{asked}/when_no")) + share(&format!("{asked}/when_yes"))) / 2.0;
    assert!((share(&format!("{asked}/all")) - halves).abs() < 1e-12, "asked as often for both");
    assert_eq!(share("/label_accuracy"), share(&format!("{asked}/all")));
    // Half of the askings are for either; four standard deviations of 4,000 throws of a coin.
    assert!((share("/control") - 0.5).abs() < 0.032, "{report}");
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let program = with_faces();
    let refuse = |args: &[&str], parts: &[&str]| {
        program.refuse(args, parts);
        assert!(!program.at("runs").exists(), "{args:?} wrote a run all the same");
    };
    let faces = ["--data", "faces", "--label"];
    let label = |name| [&faces[..], &[name]].concat();
    let table =
        "faces/list_attr_celeba.csv: no column \"Blonde_Hair\"; did you mean \"Blond_Hair\"?";
    refuse(&label("Blonde_Hair"), &[table]);
    refuse(&label("Blond_Hair=1"), &["no column \"Blond_Hair=1\"", "did you mean \"Blond_Hair\"?"]);
    refuse(&label("Bald"), &["0 of", "\"Bald\""]);
    refuse(
        &["--data", "faces", "--label", "Smiling", "--label", "Smiling"],
        &["\"Smiling\"", "twice"],
    );
    fs::remove_file(program.at("faces/list_attr_celeba.csv")).unwrap();
    refuse(&["--data", "faces"], &["faces", "no list_attr_celeba.csv", "\"Blond_Hair\""]);
    refuse(&["sample", "--checkpoint", "newest"], &["train one first"]);

    program.misunderstand(&[
        &["--resume", "faces", "--label", "Smiling"],
        &["evaluate", "--label", "Bald"],
    ]);
}
