//! The functions of the modes of a maximal correlation, drawn over the values of their columns.

use super::plots::{Area, CONTROL, Drawn, STRONG, draw};
use crate::failure::Result;
use hgr_corr::Mode;
use plotters::prelude::*;

/// Width and height of the plot of one column, pixels.
const SIZE: (u32, u32) = (360, 260);

/// Modes that are drawn, and how.
const LINES: [(&str, RGBColor); 2] = [("mode 1", STRONG), ("mode 2", CONTROL)];

type Curve = Vec<(f64, f64)>;

/// An SVG with one plot a column: those of x above, those of y below.
pub fn mode_curves(modes: &[Mode], x: &[String], y: &[String]) -> Result<String> {
    let across = x.len().max(y.len()).max(1);
    // A line of plots wider than this type is beyond any table.
    let width = SIZE.0.saturating_mul(u32::try_from(across).unwrap_or(u32::MAX));
    draw((width, 2 * SIZE.1), |area| {
        area.fill(&WHITE)?;
        let places = area.split_evenly((2, across));
        for (side, names) in [x, y].into_iter().enumerate() {
            for (column, name) in names.iter().enumerate() {
                let curves: Vec<&Curve> = modes
                    .iter()
                    .take(LINES.len())
                    .filter_map(|mode| [&mode.f, &mode.g][side].get(column))
                    .collect();
                let title = format!("{}({name})", ["f", "g"][side]);
                curve_plot(&places[side * across + column], &title, &curves)?;
            }
        }
        Ok(())
    })
}

fn curve_plot(area: &Area, title: &str, curves: &[&Curve]) -> Drawn {
    let seen = |curve: &Curve| -> Curve {
        curve.iter().copied().filter(|(value, _)| value.is_finite()).collect()
    };
    let curves: Vec<Curve> = curves.iter().map(|curve| seen(curve)).collect();
    let span = |pick: fn(&(f64, f64)) -> f64| {
        let values = curves.iter().flatten().map(pick);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        if low < high { low..high } else { -1.0..1.0 }
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(26)
        .y_label_area_size(40)
        .build_cartesian_2d(span(|point| point.0), span(|point| point.1))?;
    chart.configure_mesh().light_line_style(TRANSPARENT).draw()?;
    for (curve, (name, colour)) in curves.iter().zip(LINES) {
        let style = ShapeStyle::from(colour).stroke_width(2);
        chart
            .draw_series(LineSeries::new(curve.iter().copied(), style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart.configure_series_labels().background_style(WHITE).draw()?;
    Ok(())
}
