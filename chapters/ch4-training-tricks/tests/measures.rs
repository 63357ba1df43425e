//! The measures on data whose answer is known, and the tables made of them.

use std::fs;

use ch4_training_tricks::record::{Record, Row, TrialResult};
use ch4_training_tricks::report::{Verdict, by_trial, group_table, loss_table};
use ch4_training_tricks::run::spread;
use ch4_training_tricks::trials::{Group, TRIALS, Trial, chosen};
use tch::{Device, Kind, Tensor};
use toolkit::stats::{mean, median, spearman};
use toolkit::swd::distances;

fn pairs(x: &[f64], y: &[f64]) -> Vec<(f64, f64)> {
    x.iter().copied().zip(y.iter().copied()).collect()
}

#[test]
fn spearman_on_known_data() {
    let up = [1.0, 2.0, 3.0, 10.0, 100.0];
    assert_eq!(spearman(&pairs(&up, &[0.1, 0.2, 0.3, 0.4, 0.5])), Some(1.0));
    assert_eq!(spearman(&pairs(&up, &[5.0, 4.0, 3.0, -2.0, -9.0])), Some(-1.0));
    // Without ties: 1 − 6 Σd² / (n (n² − 1)), with d = (1, −1, 1, −1, 0): 1 − 24 / 120.
    let rho = spearman(&pairs(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 3.0, 5.0])).unwrap();
    assert!((rho - 0.8).abs() < 1e-12, "{rho}");
    // With ties: ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4), so 4.5 / √(4.5 · 5).
    let rho = spearman(&pairs(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0])).unwrap();
    assert!((rho - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12, "{rho}");
    assert_eq!(spearman(&pairs(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0])), None);
    assert_eq!(spearman(&pairs(&[1.0, 2.0], &[1.0, 2.0])), None);
}

#[test]
fn medians_and_means() {
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
}

/// Two images of one grey each, a and b: every pixel lies (a − b) / 2 from the mean image.
#[test]
fn spread_of_two_images() {
    let image = |grey: f64| Tensor::full([1, 1, 32, 32], grey, (Kind::Float, Device::Cpu));
    assert!((spread(&Tensor::cat(&[image(0.5), image(-0.3)], 0)) - 0.16).abs() < 1e-6);
    assert_eq!(spread(&Tensor::cat(&[image(0.5), image(0.5)], 0)), 0.0);
}

/// At side 32 the pyramid has two levels; more of the same lies nearer than the same blurred, and that nearer than noise.
#[test]
fn distances_at_side_32() {
    tch::manual_seed(5);
    let noise = || Tensor::randn([48, 1, 32, 32], (Kind::Float, Device::Cpu));
    // Steps from one grey to another, at random places.
    let steps = || (noise().cumsum(3, Kind::Float) / 6.0).tanh();
    let (reference, same, other) = (steps(), steps(), noise());
    let blurred = same.avg_pool2d([5, 5], [1, 1], [2, 2], false, false, None);
    let found = distances(&reference, &[&same, &blurred, &other], 0);
    let sides: Vec<i64> = found[0].levels.iter().map(|level| level.side).collect();
    assert_eq!(sides, [32, 16]);
    let [same, blurred, other] = [0, 1, 2].map(|i| found[i].mean);
    assert!(2.0 * same < blurred && 1.5 * blurred < other, "{same}, {blurred}, {other}");
}

#[test]
fn a_verdict_needs_every_seed() {
    assert_eq!(Verdict::of(&[(100.0, 80.0), (100.0, 89.0)]), Verdict::Helps);
    assert_eq!(Verdict::of(&[(100.0, 80.0), (100.0, 95.0)]), Verdict::Unclear);
    assert_eq!(Verdict::of(&[(100.0, 120.0), (100.0, 111.0)]), Verdict::Harms);
    assert_eq!(Verdict::of(&[(100.0, 80.0), (100.0, 120.0)]), Verdict::Unclear);
    // A distance that is no number is no help.
    assert_eq!(Verdict::of(&[(100.0, f64::NAN)]), Verdict::Unclear);
}

/// A made-up trial of eight steps, measured at steps 2, 4, 6 and 8, whose distances are `swd`.
fn record(trial: &Trial, seed: u64, swd: [f64; 4]) -> Record {
    let row = |step: u64| Row {
        step,
        g_loss: step as f64,
        g_gradient: if step == 3 { 0.0 } else { 10f64.powi(-(step as i32)) },
        d_fake: 1.0,
        swd: step.is_multiple_of(2).then(|| swd[step as usize / 2 - 1]),
        spread: step.is_multiple_of(2).then_some(0.5),
        ..Row::default()
    };
    let result = TrialResult {
        trial: trial.name.into(),
        seed,
        steps: 8,
        settings: trial.settings.clone(),
        seconds: 1.0,
        swd_floor: 20.0,
        swd_untrained: 230.0,
    };
    Record { result, rows: (1..=8).map(row).collect() }
}

#[test]
fn a_trial_in_a_few_numbers() {
    let record = record(&TRIALS[0], 0, [200.0, 180.0, 150.0, 160.0]);
    assert_eq!(
        record.loss_and_distance(),
        [(1.5, 200.0), (3.5, 180.0), (5.5, 150.0), (7.5, 160.0)]
    );
    let summary = record.summary();
    assert_eq!((summary.swd, summary.spread), (160.0, 0.5));
    // Steps 5 to 8.
    assert!((summary.g_gradient - (1e-6 + 1e-7) / 2.0).abs() < 1e-15);
    assert_eq!((summary.dead, summary.d_fake, summary.d_real), (0.125, 1.0, 0.0));
    assert!((summary.rho.unwrap() + 0.8).abs() < 1e-12);
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Record::read(folder.path()).unwrap(), None);
    let whole = record(&TRIALS[3], 7, [1.0 / 3.0, f64::MIN_POSITIVE, 150.0, 160.0]);
    whole.write(folder.path()).unwrap();
    assert_eq!(Record::read(folder.path()).unwrap(), Some(whole));

    // A log that was cut off is not taken for whole.
    let path = folder.path().join("log.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().take(5).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    let message = format!("{:#}", Record::read(folder.path()).unwrap_err());
    assert!(message.contains("log.csv") && message.contains("4 rows for 8 steps"), "{message}");
}

#[test]
fn tables_are_well_formed() {
    let records: Vec<(&'static Trial, Record)> = TRIALS
        .iter()
        .flat_map(|trial| {
            let end = if trial.against.is_some() { 100.0 } else { 160.0 };
            [0, 1].map(|seed| {
                (trial, record(trial, seed, [200.0, 180.0, 150.0, end + 10.0 * seed as f64]))
            })
        })
        .collect();
    let made = by_trial(&records);
    assert_eq!(made.len(), TRIALS.len());
    for table in
        Group::ALL.map(|group| group_table(group, &made)).iter().chain([&loss_table(&made)])
    {
        let markdown = table.markdown();
        let bars = markdown.lines().next().unwrap().matches('|').count();
        assert_eq!(markdown.lines().count(), table.rows.len() + 2);
        for line in markdown.lines() {
            assert_eq!(line.matches('|').count(), bars, "{line}");
            assert!(line.starts_with("| ") && line.ends_with(" |"), "{line}");
        }
    }
    let remedies = group_table(Group::Remedies, &made);
    assert_eq!(remedies.rows[0][0], "`baseline`");
    assert_eq!(remedies.rows[0][2], "165.0 (160.0 to 170.0)");
    assert_eq!(remedies.rows[1].last().unwrap(), "helps");

    // One seed of each, by itself, says how little that is.
    let first: Vec<(&Trial, Record)> = TRIALS
        .iter()
        .map(|trial| (trial, record(trial, 0, [200.0, 180.0, 150.0, 100.0])))
        .collect();
    let remedies = group_table(Group::Remedies, &by_trial(&first));
    assert_eq!(remedies.rows[1].last().unwrap(), "no clear difference, with one seed");
}

/// The list is data; these are the mistakes that one can make in it.
#[test]
fn the_list_of_trials_holds_together() {
    for (index, trial) in TRIALS.iter().enumerate() {
        let same = TRIALS.iter().filter(|other| other.name == trial.name);
        assert_eq!(same.count(), 1, "{} stands twice", trial.name);
        assert!(!trial.groups.is_empty(), "{} stands in no table", trial.name);
        assert!(Group::ALL.iter().all(|group| group.name() != trial.name), "{}", trial.name);
        assert!(!trial.changes.contains('|') && !trial.why.contains('|'), "{}", trial.name);
        if let Some(name) = trial.against {
            let other = TRIALS.iter().position(|other| other.name == name).expect(name);
            assert!(other < index, "{} comes before {name}", trial.name);
            let shared = trial.groups.iter().all(|g| TRIALS[other].groups.contains(g));
            assert!(shared, "{} and {name} stand in different tables", trial.name);
            assert_ne!(TRIALS[other].settings, trial.settings, "{} changes nothing", trial.name);
        }
    }
    let names = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        chosen(&names).map(|trials| trials.iter().map(|trial| trial.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&[]).unwrap().len(), TRIALS.len());
    assert_eq!(names(&["balanced", "baseline"]).unwrap(), ["baseline", "balanced"]);
    assert_eq!(names(&["generator"]).unwrap().len(), 3);
    assert!(names(&["baseline", "nonsense"]).unwrap_err().to_string().contains("nonsense"));
}
