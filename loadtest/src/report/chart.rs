//! Line charts as inline SVG.
//!
//! Promises: axes with round ticks, a legend, direct colours from the page's style (so light and dark both work), a
//! label for screen readers. A linear or a logarithmic scale for the values.

use std::fmt::Write as _;

/// One line of a chart.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// Its colour's number in the style.
    pub(super) colour: u8,
    /// x and y; y below or at zero is a gap on a logarithmic scale.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) filled: bool,
}

/// How values become heights.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear,
    Log,
}

/// A chart.
pub(super) struct Chart<'a> {
    pub(super) label: &'a str,
    pub(super) y_unit: &'a str,
    pub(super) scale: Scale,
    /// Where to mark the x axis, with the text to put there.
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) x_max: f64,
    pub(super) series: Vec<Series<'a>>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 34.0;

impl Chart<'_> {
    /// The SVG element.
    pub(super) fn svg(&self) -> String {
        let (low, high) = self.range();
        let x = |value: f64| LEFT + value / self.x_max.max(1e-9) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let share = match self.scale {
                Scale::Linear => value / high,
                Scale::Log => (value.max(low) / low).ln() / (high / low).ln(),
            };
            HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            self.label
        );
        for tick in self.y_ticks(low, high) {
            let at = y(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                number(tick)
            );
        }
        for (value, text) in &self.x_ticks {
            let at = x(*value);
            let _ = write!(
                svg,
                "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.0}\" y2=\"{:.0}\"/>\
                 <text class=\"tick\" x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{text}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 5.0,
                HEIGHT - BOTTOM + 20.0
            );
        }
        for series in &self.series {
            self.draw(&mut svg, series, x, y);
        }
        self.legend(&mut svg);
        svg + "</svg>"
    }

    fn draw(&self, svg: &mut String, series: &Series<'_>, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) {
        let shown = |point: &&(f64, f64)| self.scale == Scale::Linear || point.1 > 0.0;
        let mut path = String::new();
        for (nth, (at, value)) in series.points.iter().filter(shown).enumerate() {
            let command = if nth == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", x(*at), y(*value));
        }
        if let (true, Some(first), Some(last)) = (series.filled, series.points.first(), series.points.last())
        {
            let base = HEIGHT - BOTTOM;
            let _ = write!(
                svg,
                "<path class=\"area c{}\" d=\"{path}L{:.1} {base}L{:.1} {base}Z\"/>",
                series.colour,
                x(last.0),
                x(first.0)
            );
        }
        let _ = write!(svg, "<path class=\"line c{}\" d=\"{path}\"/>", series.colour);
    }

    fn legend(&self, svg: &mut String) {
        let _ = write!(
            svg,
            "<text class=\"unit\" x=\"{LEFT}\" y=\"16\">{}</text>",
            self.y_unit
        );
        let mut at = WIDTH - RIGHT;
        for series in self.series.iter().rev() {
            // Seven units a character is enough for the page's small type; wide characters count twice.
            let width: f64 = series
                .name
                .chars()
                .map(|c| if c.is_ascii() { 7.0 } else { 13.0 })
                .sum();
            at -= width + 28.0;
            let _ = write!(
                svg,
                "<line class=\"line c{}\" x1=\"{:.0}\" x2=\"{:.0}\" y1=\"12\" y2=\"12\"/>\
                 <text class=\"name\" x=\"{:.0}\" y=\"16\">{}</text>",
                series.colour,
                at,
                at + 16.0,
                at + 22.0,
                series.name
            );
        }
    }

    fn range(&self) -> (f64, f64) {
        let values = || {
            self.series
                .iter()
                .flat_map(|series| series.points.iter().map(|point| point.1))
        };
        let high = values().fold(0.0, f64::max);
        match self.scale {
            Scale::Linear => (0.0, round_up(high.max(1.0))),
            Scale::Log => {
                let low = values()
                    .filter(|&value| value > 0.0)
                    .fold(f64::INFINITY, f64::min);
                let low = if low.is_finite() {
                    10_f64.powf(low.log10().floor())
                } else {
                    0.1
                };
                let high = 10_f64.powf(high.max(low * 1.01).log10().ceil());
                (low, high.max(low * 10.0))
            }
        }
    }

    fn y_ticks(&self, low: f64, high: f64) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=4).map(|quarter| high * f64::from(quarter) / 4.0).collect(),
            Scale::Log => {
                let decades = (high / low).log10().round();
                let mut ticks = vec![low];
                while f64::from(u32::try_from(ticks.len()).unwrap_or(u32::MAX)) <= decades {
                    ticks.push(ticks[ticks.len() - 1] * 10.0);
                }
                ticks
            }
        }
    }
}

/// The next round number: 1, 2, 4 or 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * decade >= value);
    step.unwrap_or(10.0) * decade
}

/// A number for people: thousands with commas, small ones with their decimals.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        let text = format!("{value:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let text = format!("{value:.0}");
    let mut grouped = String::new();
    for (nth, digit) in text.chars().enumerate() {
        if nth > 0 && (text.len() - nth) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let written: Vec<String> = [0.0, 0.05, 0.5, 12.0, 1234.0, 1_234_567.0].map(number).into();
        assert_eq!(written, ["0", "0.05", "0.5", "12", "1,234", "1,234,567"]);
    }

    #[test]
    fn an_empty_chart_is_drawn_too() {
        for scale in [Scale::Linear, Scale::Log] {
            let chart = Chart {
                label: "nothing",
                y_unit: "ms",
                scale,
                x_ticks: vec![],
                x_max: 0.0,
                series: vec![],
            };
            let svg = chart.svg();
            assert!(
                svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"),
                "{svg}"
            );
        }
    }
}
