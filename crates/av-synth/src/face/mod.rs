//! The face: anti-aliased shapes painted from back to front, shaded by one light.

mod canvas;
mod eyes;
mod head;
mod light;
mod mouth;
mod pose;
mod scene;

pub use light::Light;
pub(crate) use pose::Pose;
pub use scene::Scene;

use canvas::{Canvas, Placement, tint};

use crate::person::FaceIdentity;
use crate::random::Stream;

/// Half the height of the head as a share of the smaller side of the picture.
const HEAD: f64 = 0.36;

/// Middle of the head above the middle of the picture, as a share of its height.
const HEAD_LIFT: f64 = 0.03;

/// What is the same in all frames of a clip.
pub(crate) struct Picture<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) person: &'a FaceIdentity,
    pub(crate) scene: &'a Scene,
    /// Standard deviation of the camera's noise in grey levels of 255.
    pub(crate) camera_noise: f64,
}

impl Picture<'_> {
    /// One frame as bytes, red, green and blue of each pixel in rows from the top.
    pub(crate) fn frame(&self, pose: &Pose, roll: f64, stream: &mut Stream) -> Vec<u8> {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let small = width.min(height);
        let Scene { light, offset, zoom, .. } = self.scene;
        let placement = Placement {
            centre: [
                0.5 * width + offset[0] * small,
                (0.5 - HEAD_LIFT) * height + offset[1] * small,
            ],
            scale: HEAD * zoom * small,
            roll: [roll.cos(), roll.sin()],
        };
        let mut canvas = Canvas::new(self.width as usize, self.height as usize, placement);
        self.wall(&mut canvas);
        let person = self.person;
        head::back_hair(&mut canvas, person, light);
        head::body(&mut canvas, person, light);
        head::ears(&mut canvas, person, pose, light);
        head::skin(&mut canvas, person, light);
        mouth::nose(&mut canvas, person, pose, light);
        mouth::mouth(&mut canvas, person, pose, light);
        eyes::eyes(&mut canvas, person, pose, light);
        eyes::brows(&mut canvas, person, pose, light);
        head::front_hair(&mut canvas, person, light);
        let noise = self.camera_noise / 255.0;
        canvas.into_rgb(|| noise * stream.normal())
    }

    fn wall(&self, canvas: &mut Canvas) {
        let Scene { light, wall, .. } = self.scene;
        let side = light.direction.sin();
        canvas.backdrop(|[x, y]| {
            let fall = 1.08 - 0.25 * y + 0.20 * side * (x - 0.5);
            tint(*wall, light.exposure * fall)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SynthConfig;
    use crate::person::Person;

    /// A frontal face of 128 x 128 pixels without noise.
    fn face(change: impl Fn(&mut Pose)) -> Vec<u8> {
        let person = Person::new(1, 1).face;
        let config = SynthConfig { head_motion: 0.0, ..SynthConfig::default() };
        let scene = Scene::new(&config, 1.0, &mut Stream::new(1, "scene"));
        let picture =
            Picture { width: 128, height: 128, person: &person, scene: &scene, camera_noise: 0.0 };
        let mut pose = Pose::new(&person, &[0.0; 3], 1.0, 0.0);
        change(&mut pose);
        picture.frame(&pose, 0.0, &mut Stream::new(1, "camera"))
    }

    /// The mean brightness of a rectangle of the picture, given in halves of the head's height.
    fn brightness(frame: &[u8], [left, top, right, bottom]: [f64; 4]) -> f64 {
        let pixel = |v: f64, middle: f64| (middle * 128.0 + v * HEAD * 128.0) as usize;
        let (columns, rows) =
            (pixel(left, 0.5)..pixel(right, 0.5), pixel(top, 0.47)..pixel(bottom, 0.47));
        let values: Vec<f64> = rows
            .flat_map(|row| columns.clone().map(move |column| 3 * (row * 128 + column)))
            .map(|at| frame[at..at + 3].iter().map(|part| f64::from(*part)).sum::<f64>())
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_white_of_the_eyes_grows_when_they_open_and_is_gone_in_a_blink() {
        // Both corners of the eye on the left of the picture.
        let white = |frame: &[u8]| {
            brightness(frame, [-0.43, -0.12, -0.38, -0.04])
                + brightness(frame, [-0.24, -0.12, -0.19, -0.04])
        };
        let rest = white(&face(|pose| pose.blink = 0.0));
        let wide = white(&face(|pose| pose.eye_open = 1.6));
        let shut = white(&face(|pose| pose.blink = 1.0));
        assert!(wide > 1.02 * rest && rest > 1.02 * shut, "{wide} {rest} {shut}");
    }

    #[test]
    fn an_open_mouth_is_dark_inside() {
        let inside = [-0.08, 0.56, 0.08, 0.62];
        let closed = brightness(&face(|pose| pose.mouth_open = 0.0), inside);
        let open = brightness(&face(|pose| pose.mouth_open = 0.16), inside);
        assert!(open < 0.7 * closed, "{open} {closed}");
    }

    #[test]
    fn lowered_brows_darken_the_lids_and_raised_ones_the_forehead() {
        let forehead = [0.2, -0.40, 0.42, -0.33];
        let raised = brightness(&face(|pose| pose.brow_raise = 0.08), forehead);
        let lowered = brightness(&face(|pose| pose.brow_raise = -0.06), forehead);
        assert!(raised < 0.9 * lowered, "{raised} {lowered}");
    }
}
