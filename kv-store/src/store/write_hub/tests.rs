use std::sync::Mutex;

use futures_util::FutureExt;

use super::*;

/// Notes what it hears.
#[derive(Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

struct Heard(Arc<Mutex<Vec<String>>>, Option<&'static str>);

impl Ear {
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }
}

impl Listener for Ear {
    fn begin(self: Arc<Self>, entity_part: &str, kind: WriteKind) -> Option<Box<dyn HeardWrite>> {
        self.0.lock().expect("nobody panics with it").push(format!("{kind:?} {entity_part}"));
        Some(Box::new(Heard(Arc::clone(&self.0), Some("dropped"))))
    }

    fn gap(&self) {
        self.0.lock().expect("nobody panics with it").push("gap".to_owned());
    }
}

impl HeardWrite for Heard {
    fn ready(&mut self) -> Option<BoxFuture<'_, ()>> {
        None
    }

    fn end(mut self: Box<Self>, outcome: WriteOutcome<'_>) {
        self.1 = None;
        self.0.lock().expect("nobody panics with it").push(format!("{outcome:?}"));
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(dropped) = self.1 {
            self.0.lock().expect("nobody panics with it").push(dropped.to_owned());
        }
    }
}

fn listen(hub: &WriteHub, prefix: &'static str) -> (Arc<Ear>, Listening) {
    let ear = Arc::new(Ear::default());
    let weak: Weak<Ear> = Arc::downgrade(&ear);
    (ear, hub.listen(prefix, weak))
}

fn begin(hub: &WriteHub, keys: &[&str], origin: Option<Origin>) -> HeardWrites {
    let keys: Vec<Key> = keys.iter().map(|key| Key::from_text(*key)).collect();
    let writes = keys.iter().map(|key| (key, WriteKind::Change));
    hub.begin(writes, origin).now_or_never().expect("nothing to wait for")
}

#[test]
fn a_hub_is_silent_without_anybody_but_the_origin() {
    let hub = WriteHub::new();
    assert!(hub.is_silent(None));
    let (_ear, listening) = listen(&hub, "user");
    assert!(!hub.is_silent(None) && hub.is_silent(Some(listening.origin())));
    let (_other, second) = listen(&hub.within("acme:"), "user");
    assert!(!hub.is_silent(Some(listening.origin())));
    drop(second);
    assert!(hub.is_silent(Some(listening.origin())));
    let gone = listening.origin();
    drop(listening);
    assert!(hub.is_silent(None));
    // A write that a cache began, and that is made after the cache is gone.
    let (_ear, _listening) = listen(&hub, "user");
    assert!(!hub.is_silent(Some(gone)));
}

#[test]
fn a_listener_hears_of_keys_with_its_prefix_in_its_namespace() {
    let engine = WriteHub::new();
    let acme = engine.within("acme:");
    let ((outer, _a), (inner, _b)) = (listen(&engine, "user"), listen(&acme, "user"));
    begin(&engine, &["user:1", "order:1", "acme:user:2"], None).end(WriteOutcome::Done);
    assert_eq!(outer.heard(), ["Change user:1", "Done"]);
    assert_eq!(inner.heard(), ["Change user:2", "Done"]);
    begin(&acme, &["user:3"], None).end(WriteOutcome::Conflict);
    assert_eq!((outer.heard().len(), inner.heard()), (0, vec!["Change user:3".into(), "Conflict".into()]));
    begin(&engine.within("acme:").within("x:"), &["user:4"], None).end(WriteOutcome::Done);
    begin(&engine.within("bolt:"), &["user:5"], None).end(WriteOutcome::Done);
    assert!(outer.heard().is_empty() && inner.heard().is_empty());
    acme.gap();
    assert_eq!((outer.heard(), inner.heard()), (vec!["gap".to_owned()], vec!["gap".to_owned()]));
}

#[test]
fn a_write_that_is_dropped_ends_and_the_origin_hears_nothing() {
    let hub = WriteHub::new();
    let ((ear, listening), (other, _b)) = (listen(&hub, "user"), listen(&hub, "user"));
    drop(begin(&hub, &["user:1"], Some(listening.origin())));
    assert!(ear.heard().is_empty());
    assert_eq!(other.heard(), ["Change user:1", "dropped"]);
}

#[test]
fn the_groups_of_an_entity_are_one_write() {
    let of = |kinds: [WriteKind; 3]| {
        let keys = ["user:1", "user:1", "user:2"].map(Key::from_text);
        let all = entities(keys.iter().zip(kinds));
        all.into_iter().map(|(part, kind)| format!("{kind:?} {part}")).collect::<Vec<_>>()
    };
    let (touch, change) = (WriteKind::Touch, WriteKind::Change);
    assert_eq!(of([touch, touch, touch]), ["Touch user:1", "Touch user:2"]);
    assert_eq!(of([touch, change, touch]), ["Change user:1", "Touch user:2"]);
    assert_eq!(of([change, touch, change]), ["Change user:1", "Change user:2"]);
}
