//! Where the book's figures and numbers come from: what is run for each, and what of it the book shows.

/// A figure or a table of the book, and the runs that it comes out of.
pub struct Recipe {
    /// What `cargo xtask reproduce` and `figures` call it.
    pub name: &'static str,
    /// What one learns from it.
    pub shows: &'static str,
    /// How long it took on two cores with AMX, in words; a guess where they say so.
    pub takes: &'static str,
    /// What is run, one after the other, in the recipe's own folder.
    pub runs: &'static [Run],
    /// Files that the book shows: as they are called in the recipe's folder and in `book/images` or, where they are tables, from
    /// `book/results` on.
    pub files: &'static [(&'static str, &'static str)],
    /// Numbers that must come back, by the head of their column or row or by both (`row: column`), and by which factor they may be
    /// off. Another machine draws other random numbers, so they never come back exactly there.
    pub judged: &'static [(&'static str, f64)],
}

/// A program that is run. `{out}` in its arguments stands for the recipe's folder.
pub enum Run {
    /// An experiment of a chapter, which is given `--out {out}`.
    Experiment {
        /// The chapter's package.
        package: &'static str,
        /// The experiment.
        example: &'static str,
        /// Its arguments.
        args: &'static [&'static str],
        /// Its arguments when it only has to show that it still works.
        quick: &'static [&'static str],
    },
    /// A chapter's own program.
    Program {
        /// The chapter's package.
        package: &'static str,
        /// Its arguments.
        args: &'static [&'static str],
        /// Its arguments when it only has to show that it still works.
        quick: &'static [&'static str],
    },
    /// A sheet that is drawn with the weights of `{out}/run`.
    Sheet {
        /// The chapter's package.
        package: &'static str,
        /// How many images; eight when it only has to show that it still works.
        count: u32,
        /// What else is said to `sample`.
        more: &'static [&'static str],
        /// The picture, in `{out}`.
        file: &'static str,
    },
    /// A training run, `{out}/run`, which is measured at its end, and on its way where it is long.
    Training(Training),
}

/// A training run.
pub struct Training {
    /// The chapter's package.
    pub package: &'static str,
    /// Its arguments.
    pub args: &'static [&'static str],
    /// Its length and how often it is measured, in updates of the generator; `None` for the preset's own length, measured once.
    pub pieces: Option<Pieces>,
    /// Its arguments when it only has to show that it still works.
    pub quick: &'static [&'static str],
    /// What its weights are called, where they come with the book.
    pub weights: Option<&'static str>,
}

/// How a long run is cut up.
#[derive(Clone, Copy)]
pub struct Pieces {
    /// Updates of the generator in all.
    pub steps: u64,
    /// Updates between two measurements.
    pub every: u64,
}

const QUICK_BRICKS: &[&str] = &["--data", "bricks-small", "--batch-size", "8"];
const QUICK_PORTRAITS: &[&str] = &["--data", "portraits-small", "--batch-size", "8"];
const SHORT_BRICKS: &[&str] = &["--preset", "book", "--data", "bricks-small", "--batch-size", "8"];
const SHORT_PORTRAITS: &[&str] =
    &["--preset", "book", "--data", "portraits-small", "--batch-size", "8"];
const SWD: (&str, f64) = ("SWD × 10³", 1.5);
const GENERATED: (&str, f64) = ("generated: mean", 1.5);
const LABELS: (&str, f64) = ("all", 1.05);

/// A quick preset, from beginning to end.
const fn quick_training(
    package: &'static str,
    args: &'static [&'static str],
    quick: &'static [&'static str],
) -> Run {
    Run::Training(Training { package, args, pieces: None, quick, weights: None })
}

/// A run of the book's own networks, whose weights come with the book.
const fn book_training(
    package: &'static str,
    args: &'static [&'static str],
    pieces: Pieces,
    quick: &'static [&'static str],
    weights: &'static str,
) -> Run {
    Run::Training(Training { package, args, pieces: Some(pieces), quick, weights: Some(weights) })
}

/// The book's own networks with a critic, with what lets two cores train them: small batches, and neither momentum nor dropout, which
/// bear a larger step size.
const fn long(data: &'static str) -> [&'static str; 12] {
    [
        "--preset",
        "book",
        "--data",
        data,
        "--batch-size",
        "16",
        "--learning-rate",
        "5e-4",
        "--beta1",
        "0",
        "--dropout",
        "0",
    ]
}
const LONG_BRICKS: [&str; 12] = long("bricks");
const LONG_SMALL_BRICKS: [&str; 12] = long("bricks-small");
const LONG_PORTRAITS: [&str; 12] = long("portraits");

/// All of them.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        name: "dcgan",
        shows: "the quick DCGAN on the small bricks, and what the mean of its weights is worth",
        takes: "2.5 minutes",
        runs: &[
            quick_training("ch4-dcgan", &[], QUICK_BRICKS),
            Run::Experiment {
                package: "ch4-dcgan",
                example: "average",
                args: &["--checkpoint", "{out}/run"],
                quick: &["--checkpoint", "{out}/run", "--count", "16"],
            },
        ],
        files: &[
            ("run/progress.png", "dcgan-progress.png"),
            ("run/losses.svg", "dcgan-losses.svg"),
            ("average.png", "dcgan-average.png"),
            ("average.md", "dcgan-average.md"),
            ("table.md", "dcgan.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "wgan-gp",
        shows: "the quick WGAN-GP on the small bricks, a walk between its z, and the training images nearest to what it draws",
        takes: "1.5 minutes",
        runs: &[
            quick_training("ch4-wgan-gp", &[], QUICK_BRICKS),
            Run::Sheet { package: "ch4-wgan-gp", count: 32, more: &["--walk"], file: "walk.png" },
            Run::Sheet { package: "ch4-wgan-gp", count: 64, more: &[], file: "sheet.png" },
        ],
        files: &[
            ("sheet.png", "wgan-gp-quick.png"),
            ("run/losses.svg", "wgan-gp-losses.svg"),
            ("walk.png", "wgan-gp-walk.png"),
            ("nearest.png", "wgan-gp-nearest.png"),
            ("table.md", "wgan-gp.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "cgan",
        shows: "the quick CGAN on the small portraits, the same z under each label, how often it draws what was asked for, and what else the label means to it",
        takes: "2.5 minutes",
        runs: &[
            quick_training("ch4-cgan", &[], QUICK_PORTRAITS),
            Run::Sheet { package: "ch4-cgan", count: 32, more: &[], file: "same-z.png" },
            Run::Experiment {
                package: "ch4-cgan",
                example: "label-means",
                args: &["--checkpoint", "{out}/run"],
                quick: &["--checkpoint", "{out}/run", "--count", "8"],
            },
        ],
        files: &[
            ("run/progress.png", "cgan-progress.png"),
            ("run/losses.svg", "cgan-losses.svg"),
            ("run/labels.png", "cgan-labels.png"),
            ("same-z.png", "cgan-same-z.png"),
            ("means.png", "cgan-means.png"),
            ("counts.md", "cgan-counts.md"),
            ("means.md", "cgan-means.md"),
            ("table.md", "cgan.md"),
        ],
        judged: &[GENERATED, LABELS],
    },
    Recipe {
        name: "cgan-dropout",
        shows: "the quick CGAN with dropout in its critic, as in the original",
        takes: "2.5 minutes",
        runs: &[quick_training(
            "ch4-cgan",
            &["--dropout", "0.3"],
            &["--dropout", "0.3", "--data", "portraits-small", "--batch-size", "8"],
        )],
        files: &[("run/losses.svg", "cgan-dropout-losses.svg"), ("table.md", "cgan-dropout.md")],
        judged: &[],
    },
    Recipe {
        name: "two-labels",
        shows: "a CGAN that can be asked for two things at once",
        takes: "2.5 minutes",
        runs: &[
            quick_training(
                "ch4-cgan",
                &["--label", "Blond_Hair", "--label", "Eyeglasses"],
                &["--label", "Blond_Hair", "--label", "Eyeglasses", "--batch-size", "8"],
            ),
            Run::Sheet { package: "ch4-cgan", count: 32, more: &[], file: "same-z.png" },
        ],
        files: &[("same-z.png", "cgan-two-labels.png"), ("table.md", "two-labels.md")],
        judged: &[GENERATED],
    },
    Recipe {
        name: "portraits",
        shows: "the quick WGAN-GP on the small portraits",
        takes: "2.5 minutes",
        runs: &[
            quick_training(
                "ch4-wgan-gp",
                &["--data", "portraits-small", "--beta1", "0"],
                &["--data", "portraits-small", "--beta1", "0", "--batch-size", "8"],
            ),
            Run::Sheet { package: "ch4-wgan-gp", count: 32, more: &[], file: "sheet.png" },
        ],
        files: &[("sheet.png", "wgan-gp-portraits.png"), ("table.md", "portraits.md")],
        judged: &[GENERATED],
    },
    Recipe {
        name: "points",
        shows: "a GAN of points in the plane: fakes and the discriminator's surface over training",
        takes: "15 seconds",
        runs: &[Run::Program {
            package: "ch4-gan-intro",
            args: &["train", "--out", "{out}/run"],
            quick: &["train", "--out", "{out}/run", "--steps", "20"],
        }],
        files: &[
            ("run/progress.png", "intro-ring.png"),
            ("run/losses.svg", "intro-losses.svg"),
            ("run/quality.svg", "intro-quality.svg"),
        ],
        judged: &[],
    },
    Recipe {
        name: "theory",
        shows: "what the best discriminator for a given generator looks like, beside a trained one",
        takes: "10 seconds",
        runs: &[Run::Experiment {
            package: "ch4-gan-intro",
            example: "theory",
            args: &[],
            quick: &[],
        }],
        files: &[("theory.svg", "intro-theory.svg")],
        judged: &[],
    },
    Recipe {
        name: "mode-collapse",
        shows: "how many modes a generator of points reaches, by the length of z",
        takes: "80 seconds",
        runs: &[Run::Experiment {
            package: "ch4-gan-intro",
            example: "mode-collapse",
            args: &[],
            quick: &["--steps", "100"],
        }],
        files: &[
            ("modes.svg", "intro-modes.svg"),
            ("collapse.png", "intro-collapse.png"),
            ("table.md", "mode-collapse.md"),
        ],
        judged: &[],
    },
    Recipe {
        name: "tricks",
        shows: "25 trials of small networks: settings that work or fail, and what each trick changes",
        takes: "perhaps 30 minutes",
        runs: &[Run::Program {
            package: "ch4-training-tricks",
            args: &["--full", "--out", "{out}/run"],
            quick: &["--steps", "10", "--out", "{out}/run"],
        }],
        files: &[
            ("run/plots/losses.svg", "tricks-losses.svg"),
            ("run/plots/remedies.svg", "tricks-remedies.svg"),
            ("run/plots/generator.svg", "tricks-generator.svg"),
            ("run/plots/loss-and-quality.svg", "tricks-loss-and-quality.svg"),
            ("run/plots/sweep.svg", "tricks-sweep.svg"),
            (
                "run/tables/loss-and-quality.md",
                "../../chapters/ch4-training-tricks/results/loss-and-quality.md",
            ),
        ],
        judged: &[("at the end", 1.5)],
    },
    Recipe {
        name: "upsampling",
        shows: "transposed convolution against upsampling and convolution",
        takes: "not timed",
        runs: &[Run::Experiment {
            package: "ch4-dcgan",
            example: "upsampling",
            args: &["--seeds", "3"],
            quick: &["--seeds", "1", "--steps", "2", "--measured", "16"],
        }],
        files: &[("rows.png", "dcgan-upsampling.png"), ("table.md", "upsampling.md")],
        judged: &[SWD],
    },
    Recipe {
        name: "clipping",
        shows: "the gradient penalty against clipped weights",
        takes: "20 minutes",
        runs: &[Run::Experiment {
            package: "ch4-wgan-gp",
            example: "clipping",
            args: &["--seeds", "3"],
            quick: &["--seeds", "1", "--steps", "2"],
        }],
        files: &[("weights.svg", "wgan-gp-clipping.svg"), ("table.md", "clipping.md")],
        judged: &[SWD],
    },
    Recipe {
        name: "loss-and-quality",
        shows: "how well each loss goes with the distance of the images",
        takes: "25 minutes",
        runs: &[Run::Experiment {
            package: "ch4-wgan-gp",
            example: "loss-and-quality",
            args: &["--seeds", "3"],
            quick: &["--seeds", "1", "--images", "600", "--measurements", "3"],
        }],
        files: &[("quality.svg", "wgan-gp-quality.svg"), ("table.md", "loss-and-quality.md")],
        judged: &[],
    },
    Recipe {
        name: "ablations",
        shows: "WGAN-GP with one part changed at a time, and DCGAN at as many images and as much time",
        takes: "perhaps 2 hours",
        runs: &[Run::Experiment {
            package: "ch4-wgan-gp",
            example: "ablations",
            args: &["--seeds", "3"],
            quick: &["--steps", "2", "--measured", "16"],
        }],
        files: &[
            ("distances.svg", "wgan-gp-ablations.svg"),
            ("rows.png", "wgan-gp-ablations.png"),
            ("table.md", "ablations.md"),
            ("ends.md", "ablations-ends.md"),
        ],
        judged: &[("at the end", 1.5)],
    },
    Recipe {
        name: "source-settings",
        shows: "what each of the source's settings costs its DCGAN",
        takes: "1 hour",
        runs: &[Run::Experiment {
            package: "ch4-dcgan",
            example: "source-settings",
            args: &["--seeds", "3"],
            quick: &["--steps", "2", "--measured", "16"],
        }],
        files: &[("rows.png", "dcgan-source-settings.png"), ("table.md", "source-settings.md")],
        judged: &[("SWD × 10³, mean of the weights", 1.5)],
    },
    Recipe {
        name: "dcgan-book",
        shows: "the book's DCGAN on all bricks, in batches of 128 as in the source, for about as long as the source trained its WGAN-GP",
        takes: "2.5 hours",
        runs: &[Run::Training(Training {
            package: "ch4-dcgan",
            args: &["--preset", "book"],
            pieces: Some(Pieces { steps: 8_000, every: 500 }),
            quick: SHORT_BRICKS,
            weights: None,
        })],
        files: &[
            ("run/progress.png", "dcgan-book-progress.png"),
            ("nearest.png", "dcgan-book-nearest.png"),
            ("table.md", "dcgan-book.md"),
            ("course.md", "dcgan-book-course.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "dcgan-small-batches",
        shows: "the quick DCGAN on all bricks, for 16,000 updates",
        takes: "10 minutes",
        runs: &[quick_training(
            "ch4-dcgan",
            &["--data", "bricks", "--steps", "16000"],
            QUICK_BRICKS,
        )],
        files: &[
            ("run/progress.png", "dcgan-small-batches-progress.png"),
            ("table.md", "dcgan-small-batches.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "bricks-by-dcgan",
        shows: "the book's DCGAN on all bricks, whose weights come with the book",
        takes: "perhaps 45 minutes",
        runs: &[
            book_training(
                "ch4-dcgan",
                &["--preset", "book", "--batch-size", "16"],
                Pieces { steps: 16_000, every: 2_000 },
                SHORT_BRICKS,
                "bricks",
            ),
            Run::Sheet { package: "ch4-dcgan", count: 64, more: &[], file: "sheet.png" },
        ],
        files: &[
            ("sheet.png", "dcgan-bricks.png"),
            ("nearest.png", "dcgan-bricks-nearest.png"),
            ("run/progress.png", "dcgan-bricks-progress.png"),
            ("table.md", "bricks-by-dcgan.md"),
            ("course.md", "bricks-by-dcgan-course.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "bricks-by-wgan-gp",
        shows: "the book's WGAN-GP on all bricks, whose weights come with the book",
        takes: "perhaps 1.5 hours",
        runs: &[
            book_training(
                "ch4-wgan-gp",
                &LONG_BRICKS,
                Pieces { steps: 12_000, every: 2_000 },
                SHORT_BRICKS,
                "bricks",
            ),
            Run::Sheet { package: "ch4-wgan-gp", count: 64, more: &[], file: "sheet.png" },
            Run::Sheet { package: "ch4-wgan-gp", count: 32, more: &["--walk"], file: "walk.png" },
        ],
        files: &[
            ("sheet.png", "wgan-gp-bricks.png"),
            ("walk.png", "wgan-gp-bricks-walk.png"),
            ("nearest.png", "wgan-gp-bricks-nearest.png"),
            ("run/progress.png", "wgan-gp-book-progress.png"),
            ("run/losses.svg", "wgan-gp-book-losses.svg"),
            ("table.md", "bricks-by-wgan-gp.md"),
            ("course.md", "bricks-by-wgan-gp-course.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "small-bricks-by-wgan-gp",
        shows: "the book's WGAN-GP on the small bricks, whose weights come with the book",
        takes: "40 minutes",
        runs: &[
            book_training(
                "ch4-wgan-gp",
                &LONG_SMALL_BRICKS,
                Pieces { steps: 7_000, every: 1_000 },
                SHORT_BRICKS,
                "bricks-small",
            ),
            Run::Sheet { package: "ch4-wgan-gp", count: 64, more: &[], file: "sheet.png" },
            Run::Sheet { package: "ch4-wgan-gp", count: 32, more: &["--walk"], file: "walk.png" },
        ],
        files: &[
            ("sheet.png", "wgan-gp-small-bricks.png"),
            ("walk.png", "wgan-gp-small-bricks-walk.png"),
            ("nearest.png", "wgan-gp-small-bricks-nearest.png"),
            ("run/progress.png", "wgan-gp-small-bricks-progress.png"),
            ("table.md", "small-bricks-by-wgan-gp.md"),
            ("course.md", "small-bricks-by-wgan-gp-course.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "portraits-by-wgan-gp",
        shows: "the book's WGAN-GP on the portraits, whose weights come with the book",
        takes: "50 minutes",
        runs: &[
            book_training(
                "ch4-wgan-gp",
                &LONG_PORTRAITS,
                Pieces { steps: 8_000, every: 1_000 },
                SHORT_PORTRAITS,
                "portraits",
            ),
            Run::Sheet { package: "ch4-wgan-gp", count: 64, more: &[], file: "sheet.png" },
            Run::Sheet { package: "ch4-wgan-gp", count: 32, more: &["--walk"], file: "walk.png" },
        ],
        files: &[
            ("sheet.png", "wgan-gp-faces.png"),
            ("walk.png", "wgan-gp-faces-walk.png"),
            ("nearest.png", "wgan-gp-faces-nearest.png"),
            ("run/progress.png", "wgan-gp-faces-progress.png"),
            ("run/losses.svg", "wgan-gp-faces-losses.svg"),
            ("table.md", "portraits-by-wgan-gp.md"),
            ("course.md", "portraits-by-wgan-gp-course.md"),
        ],
        judged: &[GENERATED],
    },
    Recipe {
        name: "portraits-by-cgan",
        shows: "the book's CGAN on the portraits, whose weights come with the book",
        takes: "1 hour",
        runs: &[
            book_training(
                "ch4-cgan",
                &LONG_PORTRAITS,
                Pieces { steps: 8_000, every: 1_000 },
                SHORT_PORTRAITS,
                "portraits",
            ),
            Run::Sheet { package: "ch4-cgan", count: 64, more: &[], file: "sheet.png" },
        ],
        files: &[
            ("sheet.png", "cgan-book.png"),
            ("nearest.png", "cgan-book-nearest.png"),
            ("run/losses.svg", "cgan-book-losses.svg"),
            ("run/progress.png", "cgan-book-progress.png"),
            ("table.md", "portraits-by-cgan.md"),
            ("course.md", "portraits-by-cgan-course.md"),
        ],
        judged: &[GENERATED, LABELS],
    },
    Recipe {
        name: "label-means",
        shows: "what else the label means to the CGAN whose weights come with the book",
        takes: "3 minutes, most of which draws the portraits where they are not drawn yet",
        runs: &[Run::Experiment {
            package: "ch4-cgan",
            example: "label-means",
            args: &["--checkpoint", "portraits"],
            quick: &["--checkpoint", "portraits", "--data", "portraits-small", "--count", "8"],
        }],
        files: &[("means.png", "cgan-book-means.png"), ("means.md", "cgan-book-means.md")],
        judged: &[],
    },
];
