//! How often a sidecar may fail before it is no longer started by itself.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The pause before the third start; twice as long before each later one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// That much of a failed sidecar's life is not counted in `within`: one that hangs as it loads a model is found out after
/// two minutes, and five of those would be too far apart for ever.
const FAILING: Duration = Duration::from_secs(180);

/// How many failures are allowed within a time; after the last of them a start has to wait.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub failures: usize,
    pub within: Duration,
    /// Who leaves sooner after its start has failed; who leaves later worked until then, unless it hung.
    pub early: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { failures: 5, within: Duration::from_secs(60), early: Duration::from_secs(10) }
    }
}

/// The latest failures, held against the budget.
#[derive(Debug)]
pub(crate) struct Failures {
    budget: Budget,
    times: VecDeque<Instant>,
}

impl Failures {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, times: VecDeque::new() }
    }

    /// A sidecar that was started at `begun` served, and has left at `now`: early, or it worked until then.
    pub(crate) fn left(&mut self, begun: Instant, now: Instant) {
        if now < begun + self.budget.early {
            self.failed(begun, now);
        }
    }

    /// A sidecar that was started at `begun` did not come up, or hung, and is gone at `now`.
    pub(crate) fn failed(&mut self, begun: Instant, now: Instant) {
        for time in &mut self.times {
            *time += (now - begun).min(FAILING);
        }
        self.times.push_back(now);
        if self.times.len() > self.budget.failures {
            self.times.pop_front();
        }
    }

    pub(crate) fn forget(&mut self) {
        self.times.clear();
    }

    /// When the budget allows another start; `now` or later.
    pub(crate) fn next(&self, now: Instant) -> Instant {
        match self.times.len().checked_sub(self.budget.failures) {
            Some(surplus) => self.times.get(surplus).map_or(now, |&time| (time + self.budget.within).max(now)),
            None => now,
        }
    }

    /// How long to rest before another start: the first one is made at once, as one crash is no pattern.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        let recent = self.times.iter().filter(|&&time| time + self.budget.within > now).count();
        match u32::try_from(recent.saturating_sub(1)) {
            Ok(0) => Duration::ZERO,
            Ok(again) => FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(again - 1)),
            Err(_) => self.budget.within,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_early_exits_are_failures_of_one_that_served() {
        let start = Instant::now();
        let mut failures = Failures::new(Budget { failures: 2, ..Budget::default() });
        failures.left(start, start + 10 * SECOND);
        failures.left(start, start + 11 * SECOND);
        assert_eq!(failures.next(start + 11 * SECOND), start + 11 * SECOND);
        failures.failed(start + 11 * SECOND, start + 12 * SECOND);
        failures.left(start + 13 * SECOND, start + 14 * SECOND);
        // The second one's life is no time that passed.
        assert_eq!(failures.next(start + 14 * SECOND), start + 73 * SECOND, "until the first is a minute old");
        assert_eq!(failures.next(start + 80 * SECOND), start + 80 * SECOND);
    }

    #[test]
    fn failures_that_take_minutes_are_as_close_as_quick_ones() {
        let mut now = Instant::now();
        let mut failures = Failures::new(Budget::default());
        for failure in 1..=5 {
            assert_eq!(failures.next(now), now, "before failure {failure}");
            let begun = now;
            now += 125 * SECOND;
            failures.failed(begun, now);
        }
        assert_eq!(failures.next(now), now + 60 * SECOND);
    }

    #[test]
    fn one_that_hangs_after_hours_of_work_starts_a_new_count() {
        let mut now = Instant::now();
        let mut failures = Failures::new(Budget::default());
        for _ in 0..5 {
            let begun = now;
            now += 3600 * SECOND;
            failures.failed(begun, now);
            assert_eq!((failures.next(now), failures.pause(now)), (now, Duration::ZERO));
        }
    }

    #[test]
    fn the_first_restart_is_at_once_and_each_later_one_waits_longer_for_a_minute() {
        let start = Instant::now();
        let mut failures = Failures::new(Budget::default());
        let pauses = [(); 4].map(|()| {
            failures.failed(start, start);
            failures.pause(start).as_millis()
        });
        assert_eq!(pauses, [0, 500, 1000, 2000]);
        assert_eq!(failures.pause(start + 60 * SECOND), Duration::ZERO);
    }
}
