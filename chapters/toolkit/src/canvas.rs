//! A small canvas for bitmaps: smooth dots, lines and lettering, without a font file.

use image::{Rgb, RgbImage};

/// Red, green and blue, 0 to 255.
pub type Colour = [u8; 3];

/// A point on a canvas in pixels, counted from the upper left corner to the right and down.
pub type Place = (f64, f64);

/// A picture that is being drawn.
pub struct Canvas {
    image: RgbImage,
}

impl Canvas {
    /// An empty sheet of `paper`.
    pub fn new(width: u32, height: u32, paper: Colour) -> Canvas {
        Canvas { image: RgbImage::from_pixel(width, height, Rgb(paper)) }
    }

    /// The finished picture.
    pub fn into_image(self) -> RgbImage {
        self.image
    }

    /// Sets one pixel.
    pub fn pixel(&mut self, x: u32, y: u32, colour: Colour) {
        self.image.put_pixel(x, y, Rgb(colour));
    }

    /// A round dot. `opacity` is 1 for paint that covers and less for paint that shines through.
    pub fn dot(&mut self, centre: Place, radius: f64, colour: Colour, opacity: f64) {
        self.strokes(&[(centre, centre)], 2.0 * radius, colour, opacity);
    }

    /// A straight line with round ends.
    pub fn line(&mut self, from: Place, to: Place, width: f64, colour: Colour) {
        self.strokes(&[(from, to)], width, colour, 1.0);
    }

    /// Writes `text` from `(left, baseline)` on; `size` is the height of a digit.
    ///
    /// There are digits, small letters and a few signs; what is not among them leaves a gap.
    pub fn text(&mut self, (left, baseline): Place, size: f64, text: &str, colour: Colour) {
        let unit = size / CAP_HEIGHT;
        let mut x = left;
        for character in text.chars() {
            let (strokes, width) = glyph(character);
            let place = |(u, v): Place| (x + u * unit, baseline + (v - CAP_HEIGHT) * unit);
            let strokes: Vec<_> = strokes.into_iter().map(|(a, b)| (place(a), place(b))).collect();
            self.strokes(&strokes, 0.14 * size, colour, 1.0);
            x += (width + SPACING) * unit;
        }
    }

    /// How wide [`Canvas::text`] writes a text.
    pub fn text_width(size: f64, text: &str) -> f64 {
        let units: f64 = text.chars().map(|character| glyph(character).1 + SPACING).sum();
        (units - SPACING).max(0.0) * size / CAP_HEIGHT
    }

    /// Lines of one width as a single shape, so that paint that shines through is not laid twice where they meet.
    fn strokes(&mut self, lines: &[(Place, Place)], width: f64, colour: Colour, opacity: f64) {
        let reach = width / 2.0 + 1.0;
        let ends = || lines.iter().flat_map(|(a, b)| [a, b]);
        let pixels = |coordinate: fn(&Place) -> f64, size: u32| {
            let low = ends().map(coordinate).fold(f64::INFINITY, f64::min) - reach;
            let high = ends().map(coordinate).fold(f64::NEG_INFINITY, f64::max) + reach;
            low.max(0.0) as u32..(high.max(0.0).ceil() as u32).min(size)
        };
        for y in pixels(|place| place.1, self.image.height()) {
            for x in pixels(|place| place.0, self.image.width()) {
                let middle = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                let nearest =
                    lines.iter().map(|line| distance(middle, *line)).fold(f64::MAX, f64::min);
                // A pixel at the rim is covered in part.
                let covered = (width / 2.0 + 0.5 - nearest).clamp(0.0, 1.0) * opacity;
                let Rgb(under) = self.image.get_pixel_mut(x, y);
                *under = mix(*under, colour, covered);
            }
        }
    }
}

/// `from` at 0, `to` at 1, and what lies between.
pub fn mix(from: Colour, to: Colour, share: f64) -> Colour {
    std::array::from_fn(|i| {
        (f64::from(from[i]) + (f64::from(to[i]) - f64::from(from[i])) * share).round() as u8
    })
}

/// How far a point is from the nearest point of a line.
fn distance((x, y): Place, ((x0, y0), (x1, y1)): (Place, Place)) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let length2 = dx * dx + dy * dy;
    let along = ((x - x0) * dx + (y - y0) * dy) / if length2 > 0.0 { length2 } else { 1.0 };
    let along = along.clamp(0.0, 1.0);
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

/// The lines of a character, and its width.
fn glyph(character: char) -> (Vec<(Place, Place)>, f64) {
    let Some((_, drawing)) = GLYPHS.iter().find(|glyph| glyph.0 == character) else {
        return (Vec::new(), 2.0);
    };
    let mut lines = Vec::new();
    for stroke in drawing.split(' ') {
        let digits: Vec<f64> = stroke.bytes().map(|digit| f64::from(digit - b'0')).collect();
        let places: Vec<Place> = digits.chunks_exact(2).map(|xy| (xy[0], xy[1])).collect();
        lines.push((places[0], places[0]));
        lines.extend(places.windows(2).map(|pair| (pair[0], pair[1])));
    }
    let width = lines.iter().map(|(_, to)| to.0).fold(0.0, f64::max);
    (lines, width)
}

/// From the top of a digit to the line that it stands on, in units of the table below.
const CAP_HEIGHT: f64 = 6.0;

/// Between two characters.
const SPACING: f64 = 2.2;

/// Each character as strokes of a pen: a word is a stroke, each pair of digits in it a place, x to the right and y down.
/// Digits and tall letters begin at y = 0, small ones at 2, all stand on 6, and tails reach down to 8.
#[rustfmt::skip]
const GLYPHS: [(char, &str); 43] = [
    ('0', "103041453616050110"), ('1', "112026"), ('2', "01103041420646"), ('3', "0110304142334445361605 1333"),
    ('4', "300444 3036"), ('5', "400003324345361605"), ('6', "301001051636454433130403"), ('7', "004016"),
    ('8', "103041423313020110 133344453616050413"), ('9', "163645413010010213334241"),
    ('a', "4246 4332120305163645"), ('b', "0006 0312324345361605"), ('c', "4332120305163645"),
    ('d', "4046 4332120305163645"), ('e', "044443321203051636"), ('f', "30201116 0232"),
    ('g', "4247381807 4332120305163645"), ('h', "0006 0312324346"), ('i', "0206 00"), ('j', "121708 10"),
    ('k', "0006 3204 1336"), ('l', "0006"), ('m', "0206 0312223336 3342526366"), ('n', "0206 0312324346"),
    ('o', "123243453616050312"), ('p', "0208 0312324345361605"), ('q', "4248 4332120305163645"),
    ('r', "0206 031232"), ('s', "43321203143445361605"), ('t', "10152636 0232"), ('u', "0205163645 4246"),
    ('v', "022642"), ('w', "0216335662"), ('x', "0246 4206"), ('y', "0226 4218"), ('z', "02420646"),
    ('.', "06"), (',', "0607"), ('-', "0434"), ('=', "0343 0545"), ('/', "0640"), (':', "03 06"), ('+', "0444 2226"),
];
