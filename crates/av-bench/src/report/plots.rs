//! The plots of the page, each an SVG as text.

use crate::failure::{Failure, Result};
use av_eval::Confusion;
use av_train::{Record, record::RunRecord, train::Epoch};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Width and height of a plot with axes, pixels.
const SIZE: (u32, u32) = (460, 300);

/// Side of a confusion matrix, pixels.
const MATRIX: u32 = 380;

/// Room for class names next to a confusion matrix, pixels.
const MARGIN: i32 = 90;

/// Characters of a class name that fit next to a confusion matrix.
const NAME_LENGTH: usize = 11;

const TRAINING: RGBColor = RGBColor(120, 120, 120);
pub(super) const STRONG: RGBColor = RGBColor(20, 90, 160);
pub(super) const CONTROL: RGBColor = RGBColor(200, 110, 20);

/// One plot per system with two modalities.
pub fn spectra(record: &Record) -> Result<Vec<String>> {
    let spectra = record.common_information.iter();
    spectra
        .map(|(system, spectrum)| {
            let lines = [
                ("test clips", STRONG, &spectrum.sigma),
                ("shuffled", CONTROL, &spectrum.shuffled),
            ];
            let lines = lines.map(|(name, colour, values)| {
                (name, colour, (1..).map(f64::from).zip(values.iter().copied()).collect())
            });
            lines_plot(system, "mode", "correlation", &lines)
        })
        .collect()
}

/// One plot per system.
pub fn curves(record: &Record) -> Result<Vec<String>> {
    let systems = record.summary.iter().map(|row| row.label());
    systems
        .map(|system| {
            let runs: Vec<&RunRecord> =
                record.runs.iter().filter(|run| run.label() == system).collect();
            let training = |epoch: &Epoch| epoch.train.get("classification").copied();
            let lines = [
                ("training", TRAINING, mean_curve(&runs, training)),
                ("validation", STRONG, mean_curve(&runs, |epoch| epoch.validation_loss)),
            ];
            lines_plot(&system, "epoch", "loss (nats)", &lines)
        })
        .collect()
}

/// One matrix per system.
pub fn confusions(record: &Record) -> Result<Vec<String>> {
    let systems = record
        .summary
        .iter()
        .filter_map(|row| Some((row.label(), record.confusion.get(&row.label())?)));
    systems.map(|(system, counts)| matrix(&system, &record.data.classes, counts)).collect()
}

/// Mean over the runs that reached each epoch.
fn mean_curve(runs: &[&RunRecord], pick: impl Fn(&Epoch) -> Option<f64>) -> Vec<(f64, f64)> {
    let longest = runs.iter().map(|run| run.curve.len()).max().unwrap_or(0);
    (0..longest)
        .filter_map(|epoch| {
            let values: Vec<f64> =
                runs.iter().filter_map(|run| pick(run.curve.get(epoch)?)).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (!values.is_empty()).then_some(((epoch + 1) as f64, mean))
        })
        .collect()
}

type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

fn lines_plot(title: &str, x: &str, y: &str, lines: &[Line]) -> Result<String> {
    let points = || lines.iter().flat_map(|(_, _, points)| points);
    let last = points().map(|(x, _)| *x).fold(2.0, f64::max);
    let low = points().map(|(_, y)| *y).fold(0.0, f64::min);
    let high = points().map(|(_, y)| *y).fold(0.1, f64::max) * 1.05;
    draw(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 15))
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(1.0..last, low..high)?;
        chart.configure_mesh().x_desc(x).y_desc(y).light_line_style(TRANSPARENT).draw()?;
        for (name, colour, points) in lines.iter().filter(|(_, _, points)| !points.is_empty()) {
            let style = ShapeStyle::from(*colour).stroke_width(2);
            chart
                .draw_series(LineSeries::new(points.iter().copied(), style))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
        }
        chart.configure_series_labels().background_style(WHITE).border_style(TRAINING).draw()?;
        Ok(())
    })
}

fn matrix(title: &str, classes: &[String], counts: &Confusion) -> Result<String> {
    let side = MATRIX as i32 / classes.len().max(1) as i32;
    let size = (MATRIX + MARGIN as u32, MATRIX + MARGIN as u32 / 2 + 20);
    draw(size, |area| {
        let text = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
        area.draw_text(title, &text(15), (MARGIN, 4))?;
        for (row, cells) in counts.rows().iter().enumerate() {
            let top = 26 + row as i32 * side;
            let name: String = classes[row].chars().take(NAME_LENGTH).collect();
            area.draw_text(&name, &text(12), (2, top + side / 2 - 6))?;
            let at = MARGIN + row as i32 * side;
            let short: String = name.chars().take(5).collect();
            area.draw_text(&short, &text(11), (at + 2, 30 + MATRIX as i32))?;
            let clips = cells.iter().sum::<u64>().max(1) as f64;
            for (column, count) in cells.iter().enumerate() {
                let fraction = *count as f64 / clips;
                let left = MARGIN + column as i32 * side;
                let corners = [(left, top), (left + side - 1, top + side - 1)];
                area.draw(&Rectangle::new(corners, STRONG.mix(0.04 + 0.9 * fraction).filled()))?;
                let colour = if fraction > 0.5 { &WHITE } else { &BLACK };
                let style = ("sans-serif", 12).into_font().color(colour);
                let at = (left + side / 2 - 12, top + side / 2 - 6);
                area.draw_text(&format!("{fraction:.2}"), &style, at)?;
            }
        }
        Ok(())
    })
}

pub(super) type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) fn draw(size: (u32, u32), plot: impl FnOnce(&Area) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let drawn = plot(&area).and_then(|()| Ok(area.present()?));
    drop(area);
    drawn.map_err(|error| Failure::Internal(format!("plot: {error}")))?;
    Ok(svg)
}
