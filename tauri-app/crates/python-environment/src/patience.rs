//! Whether anything still happens: a line, or bytes on the disk. uv says nothing while a large package comes in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::stage::Event;
use crate::uv::Uv;

/// Whether anything was heard of it lately.
pub(crate) struct Patience {
    uv: Arc<Uv>,
    looks: Interval,
    size: Option<(u64, u64)>,
    alive: Instant,
    over: bool,
}

impl Patience {
    pub(crate) fn new(uv: Arc<Uv>) -> Self {
        // Often enough to be right within a tenth, rarely enough for a folder of 20,000 files.
        let mut looks = interval((uv.times.slow / 10).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { uv, looks, size: None, alive: Instant::now(), over: false }
    }

    pub(crate) fn begins_anew(&mut self) {
        self.alive = Instant::now();
        self.over = false;
    }

    /// `Slow` once for each stretch without a sign of life, and `GoesOn` if it ends with bytes on the disk: uv's next
    /// line may be long in coming. Cancel safe.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            self.looks.tick().await;
            let recipe = &self.uv.recipe;
            let folders = [recipe.target.clone(), recipe.cache.clone(), recipe.interpreters.clone()];
            let size = tokio::task::spawn_blocking(move || size(&folders)).await.ok();
            if self.size != size {
                // The first look has nothing to compare with.
                let moved = self.size.is_some();
                self.size = size;
                if moved {
                    let was_over = self.over;
                    self.begins_anew();
                    if was_over {
                        return Event::GoesOn;
                    }
                }
            }
            if !self.over && self.alive.elapsed() >= self.uv.times.slow {
                self.over = true;
                return Event::Slow;
            }
        }
    }
}

/// Bytes and files below `folders`. What cannot be read counts as nothing; links are not followed.
pub(crate) fn size(folders: &[PathBuf]) -> (u64, u64) {
    folders.iter().fold((0, 0), |sum, folder| add(sum, folder))
}

fn add(sum: (u64, u64), folder: &Path) -> (u64, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return sum };
    entries.flatten().fold(sum, |(bytes, files), entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => add((bytes, files + 1), &entry.path()),
        Ok(metadata) => (bytes + metadata.len(), files + 1),
        Err(_) => (bytes, files),
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::recipe::{Mirrors, Recipe};
    use crate::stage::{Times, Trust};

    #[tokio::test]
    async fn it_is_slow_no_longer_as_soon_as_bytes_come_without_a_word() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe::new("uv", folder.path(), folder.path());
        fs::create_dir_all(&recipe.cache).expect("the disk has room");
        let wheel = recipe.cache.join("wheel");
        let times = Times { slow: Duration::from_millis(20), ..Times::default() };
        let uv = Uv { recipe, mirrors: Mirrors::default(), times, trust: Trust::Stamp };
        let mut patience = Patience::new(Arc::new(uv));
        for bytes in 1..3 {
            assert!(matches!(soon(&mut patience).await, Event::Slow));
            fs::write(&wheel, vec![0; bytes]).expect("the disk has room");
            assert!(matches!(soon(&mut patience).await, Event::GoesOn));
        }
    }

    async fn soon(patience: &mut Patience) -> Event {
        timeout(Duration::from_secs(30), patience.event()).await.expect("in time")
    }

    #[test]
    fn a_file_that_grows_deep_inside_is_seen_and_a_missing_folder_is_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folders = [folder.path().to_owned(), folder.path().join("missing")];
        fs::create_dir_all(folder.path().join("a/b")).expect("the disk has room");
        assert_eq!(size(&folders), (0, 2));
        fs::write(folder.path().join("a/b/wheel"), [0; 10]).expect("the disk has room");
        assert_eq!(size(&folders), (10, 3));
    }
}
