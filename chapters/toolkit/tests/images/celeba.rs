//! CelebA's table, in the forms in which people download it, joined on the file name.

use std::path::Path;

use toolkit::images::{ImageSet, LoadOptions};

use super::{Scratch, levels};

const CSV: &str = "list_attr_celeba.csv";
const TXT: &str = "list_attr_celeba.txt";

/// Rows in another order than the files'.
const SHUFFLED: &str = "image_id,Bald,Blond_Hair\n\
                        000003.jpg,-1,-1\n\
                        000001.jpg,-1,1\n\
                        000002.jpg,1,-1\n";

/// Three pictures of levels 40, 80 and 120, and a table.
fn faces(folder: &str, table: &str, text: &str) -> Scratch {
    let scratch = Scratch::new();
    for number in 1..=3 {
        scratch.picture(&format!("{folder}/00000{number}.jpg"), number * 40);
    }
    scratch.write(table, text);
    scratch
}

fn check(set: &ImageSet) {
    assert_eq!(set.names(), ["000001.jpg", "000002.jpg", "000003.jpg"]);
    assert_eq!(levels(set), [40, 80, 120]);
    assert_eq!(set.attribute("Bald").unwrap(), [false, true, false]);
    assert_eq!(set.attribute("Blond_Hair").unwrap(), [true, false, false]);
}

fn load_from(scratch: &Scratch, folder: &str) -> ImageSet {
    ImageSet::load(&scratch.path("images").join(folder), &scratch.options()).unwrap()
}

#[test]
fn rows_are_joined_on_image_id() {
    check(&faces("img_align_celeba", CSV, SHUFFLED).load());
}

#[test]
fn kaggles_doubled_folder() {
    let scratch = faces("img_align_celeba/img_align_celeba", CSV, SHUFFLED);
    check(&scratch.load());
    check(&load_from(&scratch, "img_align_celeba"));
    check(&load_from(&scratch, "img_align_celeba/img_align_celeba"));
}

#[test]
fn the_official_text_file() {
    let text = "3\n\
                Bald Blond_Hair \n\
                000002.jpg  1 -1\n\
                000003.jpg -1 -1\n\
                000001.jpg -1  1\n";
    check(&faces("img_align_celeba", TXT, text).load());
}

#[test]
fn the_folder_of_the_images_itself() {
    let scratch = faces("img_align_celeba", CSV, SHUFFLED);
    check(&load_from(&scratch, "img_align_celeba"));
}

#[test]
fn a_skipped_image_takes_its_row_along() {
    let scratch = faces("img_align_celeba", CSV, SHUFFLED);
    scratch.write("img_align_celeba/000001.jpg", "no picture");
    let options = LoadOptions { skip_bad: true, ..scratch.options() };
    let set = ImageSet::load(&scratch.path("images"), &options).unwrap();
    assert_eq!(set.names(), ["000002.jpg", "000003.jpg"]);
    assert_eq!(levels(&set), [80, 120]);
    assert_eq!(set.attribute("Bald").unwrap(), [true, false]);
    assert_eq!(set.attribute("Blond_Hair").unwrap(), [false, false]);
}

#[test]
fn a_changed_table_is_noticed() {
    let scratch = faces("img_align_celeba", CSV, SHUFFLED);
    check(&scratch.load());
    scratch.write(CSV, &SHUFFLED.replace("000003.jpg,-1", "000003.jpg,1"));
    assert_eq!(scratch.load().attribute("Bald").unwrap(), [false, true, true]);
}

/// What the table says is refused with.
fn refused(text: &str) -> String {
    faces("img_align_celeba", CSV, text).failure()
}

#[test]
fn a_row_without_a_file() {
    assert_eq!(
        refused(&(SHUFFLED.to_string() + "000009.jpg,1,1\n")),
        "/images/list_attr_celeba.csv: line 5: \"000009.jpg\" has no image in \
         /images/img_align_celeba"
    );
}

#[test]
fn a_file_without_a_row() {
    assert_eq!(
        refused(&SHUFFLED.replace("000002.jpg,1,-1\n", "")),
        "/images/img_align_celeba/000002.jpg: no row in /images/list_attr_celeba.csv"
    );
}

#[test]
fn rows_that_are_wrong() {
    let refusals = [
        (SHUFFLED.replace("2.jpg", "1.jpg"), "line 4: a second row for \"000001.jpg\""),
        (SHUFFLED.replace("1.jpg,-1,1", "1.jpg,-1"), "line 3: 1 values for 2 columns"),
        (SHUFFLED.replace("1.jpg,-1,1", "1.jpg,-1,1,1"), "line 3: 3 values for 2 columns"),
        (
            SHUFFLED.replace("2.jpg,1,-1", "2.jpg,1,no"),
            "line 4: \"no\" in column \"Blond_Hair\" is neither 1 nor -1",
        ),
        (SHUFFLED.replace("image_id", "file"), "the first column is not \"image_id\""),
        ("image_id\n000001.jpg\n".to_string(), "no attribute is named"),
    ];
    for (text, refusal) in refusals {
        assert_eq!(refused(&text), format!("/images/list_attr_celeba.csv: {refusal}"));
    }
}

#[test]
fn a_column_that_is_not_there() {
    let scratch = faces("img_align_celeba", CSV, SHUFFLED);
    let set = scratch.load();
    let failure = |name| set.attribute(name).unwrap_err().to_string();
    let table = scratch.path("images").join(CSV);
    let expected = |rest| format!("{}: {rest}", table.display());
    assert_eq!(
        failure("Blonde_Hair"),
        expected("no column \"Blonde_Hair\"; did you mean \"Blond_Hair\"?")
    );
    assert_eq!(failure("bald"), expected("no column \"bald\"; did you mean \"Bald\"?"));
    assert_eq!(failure("Nose"), expected("no column \"Nose\""));
}

#[test]
fn no_table_at_all() {
    let scratch = Scratch::new();
    scratch.picture("a.png", 1);
    let folder = scratch.path("images");
    let error = scratch.load().attribute("Bald").unwrap_err().to_string();
    let expected = "no list_attr_celeba.csv, so no attribute \"Bald\"";
    assert_eq!(error, format!("{}: {expected}", Path::new(&folder).display()));
}
