//! How often a sidecar may fail before it is no longer started by itself.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The sidecar's exit code for "my engine hangs, start me again".
const ENGINE_HUNG: i32 = 70;

/// The pause before the third start; twice as long before each later one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How many failures are allowed within a time; after the last of them a start has to wait.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub failures: usize,
    pub within: Duration,
    /// Who leaves sooner after its start has failed; who leaves later, whatever the cause, worked until then.
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

    /// A sidecar that was started at `begun` has left at `now`, with that exit code if with any.
    pub(crate) fn count(&mut self, begun: Instant, now: Instant, code: Option<i32>) {
        if now < begun + self.budget.early || code == Some(ENGINE_HUNG) {
            self.times.push_back(now);
            if self.times.len() > self.budget.failures {
                self.times.pop_front();
            }
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
    fn only_early_exits_and_hung_engines_are_failures() {
        let start = Instant::now();
        let mut failures = Failures::new(Budget { failures: 2, ..Budget::default() });
        failures.count(start, start + 10 * SECOND, Some(1));
        failures.count(start, start + 11 * SECOND, None);
        assert_eq!(failures.next(start + 11 * SECOND), start + 11 * SECOND);
        failures.count(start, start + 12 * SECOND, Some(70));
        failures.count(start + 12 * SECOND, start + 13 * SECOND, None);
        assert_eq!(failures.next(start + 13 * SECOND), start + 72 * SECOND, "until the first is a minute old");
        assert_eq!(failures.next(start + 80 * SECOND), start + 80 * SECOND);
    }

    #[test]
    fn the_first_restart_is_at_once_and_each_later_one_waits_longer_for_a_minute() {
        let start = Instant::now();
        let mut failures = Failures::new(Budget::default());
        let pauses = [(); 4].map(|()| {
            failures.count(start, start, None);
            failures.pause(start).as_millis()
        });
        assert_eq!(pauses, [0, 500, 1000, 2000]);
        assert_eq!(failures.pause(start + 60 * SECOND), Duration::ZERO);
    }
}
