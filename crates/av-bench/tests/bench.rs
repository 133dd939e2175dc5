//! `av-bench bench` as its users meet it.
