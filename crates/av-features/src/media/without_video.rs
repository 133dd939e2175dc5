//! What stands for the FFmpeg readers in a build without them: an error that says so.

pub(crate) mod compressed {
    use std::path::Path;

    use crate::{Error, Limits, Result, Sound};

    pub(crate) fn read(path: &Path, _: &Limits) -> Result<Sound> {
        Err(Error::WithoutVideo { path: path.to_owned() })
    }
}

pub(crate) mod frames {
    use std::convert::Infallible;
    use std::path::Path;

    use crate::image::Frame;
    use crate::{Error, Limits, Result, files};

    /// The video stream of a media file; this build cannot open one.
    pub struct Frames(Infallible);

    impl Frames {
        /// Fails with [`Error::WithoutVideo`].
        pub fn open(path: &Path) -> Result<Self> {
            Self::open_within(path, &Limits::default())
        }

        /// Fails with [`Error::WithoutVideo`].
        pub fn open_within(path: &Path, limits: &Limits) -> Result<Self> {
            files::open(path, limits.bytes)?;
            Err(Error::WithoutVideo { path: path.to_owned() })
        }

        /// Decodes the next frame.
        pub fn advance(&mut self) -> Result<Option<f64>> {
            match self.0 {}
        }

        /// The image of the current frame.
        pub fn image(&mut self) -> Result<Frame> {
            match self.0 {}
        }

        /// The same at another size.
        pub fn scaled(&mut self, _: usize, _: usize) -> Result<Frame> {
            match self.0 {}
        }

        /// End of the last frame so far.
        pub fn end_s(&self) -> f64 {
            match self.0 {}
        }

        /// What is to be known about the frames so far.
        pub fn warnings(&self) -> Vec<String> {
            match self.0 {}
        }
    }

    impl Iterator for Frames {
        type Item = Result<Frame>;

        fn next(&mut self) -> Option<Self::Item> {
            match self.0 {}
        }
    }
}
