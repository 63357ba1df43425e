//! Dots, lines and lettering.

use toolkit::canvas::{Canvas, mix};

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

/// How much ink there is on a canvas, in whole pixels.
fn ink(canvas: Canvas) -> f64 {
    canvas.into_image().pixels().map(|pixel| f64::from(255 - pixel[0]) / 255.0).sum()
}

#[test]
fn a_dot_covers_a_disc_and_paint_can_shine_through() {
    let dot = |opacity| {
        let mut canvas = Canvas::new(60, 60, WHITE);
        canvas.dot((30.3, 29.6), 20.0, BLACK, opacity);
        ink(canvas)
    };
    let disc = std::f64::consts::PI * 400.0;
    assert!((dot(1.0) / disc - 1.0).abs() < 0.01, "{}", dot(1.0) / disc);
    assert!((dot(0.5) / disc - 0.5).abs() < 0.01, "{}", dot(0.5) / disc);
    assert_eq!(mix([0, 100, 200], [100, 200, 0], 0.25), [25, 125, 150]);
}

#[test]
fn drawing_over_the_edge_is_cut_off() {
    let mut canvas = Canvas::new(20, 10, WHITE);
    canvas.text((15.0, 8.0), 30.0, "step", WHITE);
    canvas.line((-50.0, 5.0), (50.0, 5.0), 2.0, BLACK);
    canvas.dot((-9.0, -9.0), 3.0, BLACK, 1.0);
    canvas.dot((90.0, 90.0), 3.0, BLACK, 1.0);
    assert_eq!(ink(canvas).round(), 40.0);
}

#[test]
fn every_character_of_the_alphabet_can_be_told_from_the_others() {
    let characters = "0123456789abcdefghijklmnopqrstuvwxyz.,-=/:+";
    let pictures: Vec<_> = characters
        .chars()
        .map(|character| {
            let text = character.to_string();
            let width = Canvas::text_width(24.0, &text);
            // As wide as was said, the pen's own breadth at both ends apart.
            let mut canvas = Canvas::new(60, 50, WHITE);
            canvas.text((10.0, 34.0), 24.0, &text, BLACK);
            let image = canvas.into_image();
            let dark = |x: u32| (0..50).any(|y| image.get_pixel(x, y)[0] < 128);
            let right = (0..60).rev().find(|x| dark(*x)).expect("some ink");
            let left = (0..60).find(|x| dark(*x)).expect("some ink");
            assert!((f64::from(right) - 10.0 - width).abs() < 4.0, "{text}: {right} {width}");
            assert!((7..=15).contains(&left), "{text}: {left}");
            image.into_raw()
        })
        .collect();
    for (i, one) in pictures.iter().enumerate() {
        assert!(pictures[..i].iter().all(|other| other != one));
    }
    // An unknown character is a gap, not a failure.
    let mut canvas = Canvas::new(60, 50, WHITE);
    canvas.text((10.0, 34.0), 24.0, "é", BLACK);
    assert_eq!(ink(canvas), 0.0);
}
