//! The picture: each letter turned, stretched and moved a little, all bent along a wave, with lines across them.

use aws_lc_rs::error::Unspecified;

use super::chance::Chance;
use super::glyphs::strokes;
use super::{Level, png};

/// In pixels.
pub(super) const WIDTH: usize = 176;
/// In pixels.
pub(super) const HEIGHT: usize = 64;

const MARGIN: f32 = 14.0;
/// Into so many pieces a stroke is cut, so that it bends.
const PIECES: u8 = 6;

type Point = (f32, f32);

/// Draws a code: a PNG, black on white.
///
/// # Errors
/// Where the system has no random numbers.
pub fn draw(code: &str, level: Level) -> Result<Vec<u8>, Unspecified> {
    let mut drawing = Drawing::new(level)?;
    drawing.letters(code);
    drawing.disturb();
    Ok(png::encode(WIDTH, HEIGHT, &drawing.ink))
}

struct Drawing {
    /// 0 is paper, 255 ink.
    ink: Vec<u8>,
    chance: Chance,
    level: Level,
    wave: Wave,
}

/// Bends the paper.
#[derive(Clone, Copy)]
struct Wave {
    height: f32,
    length: f32,
    phase: f32,
}

impl Wave {
    fn bend(self, (x, y): Point) -> Point {
        (x, y + self.height * (x / self.length + self.phase).sin())
    }
}

impl Drawing {
    fn new(level: Level) -> Result<Self, Unspecified> {
        let mut chance = Chance::new()?;
        let hardness = f32::from(level.number());
        Ok(Self {
            ink: vec![0; WIDTH * HEIGHT],
            level,
            wave: Wave {
                height: chance.between(1.0, 3.0) + hardness,
                length: chance.between(16.0, 28.0),
                phase: chance.between(0.0, 6.3),
            },
            chance,
        })
    }

    fn letters(&mut self, code: &str) {
        let hardness = f32::from(self.level.number());
        let count = code.chars().count();
        let room = (width() - 2.0 * MARGIN) / float(count.max(1));
        for (n, letter) in code.chars().enumerate() {
            let size = self.chance.between(0.72, 0.9) * room.min(30.0);
            let tall = size * self.chance.between(1.1, 1.35);
            let turn = self.chance.between(-0.22, 0.22) * (1.0 + hardness * 0.5);
            let lean = self.chance.between(-0.2, 0.2);
            let middle = (
                MARGIN + room * (float(n) + 0.5) + self.chance.between(-2.0, 2.0),
                height() / 2.0 + self.chance.between(-5.0, 5.0),
            );
            let thick = self.chance.between(2.2, 3.0);
            let place = |(x, y): &(u8, u8)| {
                let (x, y) = (f32::from(*x) / 10.0 - 0.5, f32::from(*y) / 10.0 - 0.5);
                let (x, y) = ((x + lean * y) * size, y * tall);
                (
                    middle.0 + x * turn.cos() - y * turn.sin(),
                    middle.1 + x * turn.sin() + y * turn.cos(),
                )
            };
            for stroke in strokes(letter) {
                let points: Vec<Point> = stroke.iter().map(place).collect();
                self.line(&points, thick, 255);
            }
        }
    }

    /// Lines and specks that a reader looks past.
    fn disturb(&mut self) {
        let lines = 1 + self.level.number();
        for _ in 0..lines {
            let points: Vec<Point> = (0_u8..5)
                .map(|n| {
                    let x = width() * f32::from(n) / 4.0;
                    (x, height() / 2.0 + self.chance.between(-20.0, 20.0))
                })
                .collect();
            self.line(&points, 1.3, 210);
        }
        let specks = 60 + 60 * u16::from(self.level.number());
        for _ in 0..specks {
            let at = (
                self.chance.between(0.0, width()),
                self.chance.between(0.0, height()),
            );
            self.stamp(at, at, 1.0, 170);
        }
    }

    fn line(&mut self, points: &[Point], thick: f32, ink: u8) {
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let along = |part: u8| {
                let part = f32::from(part) / f32::from(PIECES);
                self.wave.bend((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part))
            };
            let pieces: Vec<(Point, Point)> = (0..PIECES).map(|n| (along(n), along(n + 1))).collect();
            for (from, to) in pieces {
                self.stamp(from, to, thick, ink);
            }
        }
    }

    /// Inks all pixels near a straight piece; at its edge, partly.
    fn stamp(&mut self, from: Point, to: Point, thick: f32, ink: u8) {
        let reach = thick / 2.0 + 1.0;
        let columns = pixels(from.0.min(to.0) - reach, from.0.max(to.0) + reach, WIDTH);
        let rows = pixels(from.1.min(to.1) - reach, from.1.max(to.1) + reach, HEIGHT);
        for row in rows {
            for column in columns.clone() {
                let centre = (float(column) + 0.5, float(row) + 0.5);
                let part = (thick / 2.0 + 0.5 - distance(centre, from, to)).clamp(0.0, 1.0);
                let pixel = &mut self.ink[row * WIDTH + column];
                *pixel = (*pixel).max(shade(part, ink));
            }
        }
    }
}

/// How far a point is from a straight piece.
fn distance((x, y): Point, (x0, y0): Point, (x1, y1): Point) -> f32 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (((x - x0) * dx + (y - y0) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

fn width() -> f32 {
    float(WIDTH)
}

fn height() -> f32 {
    float(HEIGHT)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of pixels are small")]
fn float(pixels: usize) -> f32 {
    pixels as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both ends are cut to the picture first"
)]
fn pixels(low: f32, high: f32, end: usize) -> std::ops::Range<usize> {
    let cut = |value: f32| value.clamp(0.0, float(end));
    cut(low.floor()) as usize..cut(high.ceil()) as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of 255 fits"
)]
fn shade(part: f32, ink: u8) -> u8 {
    (part * f32::from(ink)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captcha::glyphs::LETTERS;

    #[test]
    fn every_letter_is_drawn_inside_the_picture_and_no_two_pictures_are_alike() {
        for letter in LETTERS {
            let mut drawing = Drawing::new(Level::Hard).unwrap();
            drawing.letters(&letter.to_string().repeat(6));
            let dark = drawing.ink.iter().filter(|ink| **ink > 128).count();
            assert!((300..4_000).contains(&dark), "{letter}: {dark} dark pixels");
        }
        assert_ne!(draw("A7K3", Level::Easy), draw("A7K3", Level::Easy));
    }
}
