//! Detects locks that were edited or badly merged.

use super::release::{Lock, LockMode, Release};

impl Lock {
    /// Returns why the file's text is not what was written. An overwrite accepts a complete file
    /// that was edited.
    pub(super) fn flaw(&self, text: &str, mode: LockMode) -> Option<String> {
        let mut releases = self.releases.iter().zip(self.releases.iter().skip(1));
        if let Some((one, _)) = releases.find(|(one, next)| is_same_version(one, next)) {
            let (label, version) = (one.label(), one.shape.version);
            return Some(format!(
                "it has version {version} of {label} twice, as a merge of two branches leaves it; take the entry out that was not \
                 released, raise `version` to {} with a step for what its branch changed, and record that: KV_SCHEMA_LOCK=update",
                version + 1
            ));
        }
        if mode == LockMode::Overwrite {
            return None;
        }
        let mut sealed = self.releases.clone();
        seal(&mut sealed);
        let differs = self.releases.iter().zip(&sealed).find(|(was, is)| was != is);
        let remedy = "restore it from version control; if it was never released, KV_SCHEMA_LOCK=overwrite writes it again";
        if let Some((release, sealed)) = differs {
            let (label, version) = (release.label(), release.shape.version);
            let what = match (release.after, sealed.after) {
                (Some(missing), after) if after != Some(missing) => {
                    format!(
                        "the entry of version {version} of {label} follows version {missing}, which is not before it"
                    )
                }
                _ => format!("the entry of version {version} of {label} was edited"),
            };
            return Some(format!("{what}; {remedy}"));
        }
        (self.to_string() != text).then(|| {
            format!("it has something that this library does not write, or in another order; {remedy}")
        })
    }
}

fn is_same_group(one: &Release, other: &Release) -> bool {
    one.entity == other.entity && one.prefix == other.prefix && one.shape.name == other.shape.name
}

fn is_same_version(one: &Release, other: &Release) -> bool {
    is_same_group(one, other) && one.shape.version == other.shape.version
}

/// Sets the previous version and the checksum of each release. They are sorted.
pub(super) fn seal(releases: &mut [Release]) {
    for at in 0..releases.len() {
        let (before, rest) = releases.split_at_mut(at);
        let Some(release) = rest.first_mut() else { return };
        let last = before.last().filter(|last| is_same_group(last, release));
        release.after = last.map(|last| last.shape.version);
        release.seal();
    }
}

impl Release {
    /// Sets the checksum.
    fn seal(&mut self) {
        self.digest.clear();
        // What cannot be written is no lock: then the checksum is that of nothing, as ever.
        self.digest = checksum(&serde_json::to_string(self).unwrap_or_default());
    }
}

/// FNV-1a, which is the same on every machine. It detects slips, and does not protect against
/// intent.
fn checksum(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
