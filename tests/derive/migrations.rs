//! Versions: the steps that attributes make, and predecessors.

use kv_runtime::migrate::Object;
use kv_runtime::store::StoreExt;
use kv_runtime::{BoxError, KvEntity};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{collection, lay_version, stored};
use chain::Point;

fn seven() -> u32 {
    7
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{number:x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

/// Each attribute, names in another case, and defaults from everywhere.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "all", version = 5, step(4 => doubled, down = halved))]
#[kv(removed(name = "nickName", since = 2, default = "nick"), removed(name = "size", since = 3, compatible, default = [1, 2]))]
#[serde(rename_all = "camelCase")]
struct All {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 2), renamed(from = "title", since = 4))]
    user_name: String,
    #[kv(added(since = 2, default = { let step = 1; step + 1 }))]
    given_value: u32,
    #[kv(added(since = 3))]
    #[serde(default = "seven")]
    of_serde: u32,
    #[kv(added(since = 3))]
    #[serde(with = "hex", rename(serialize = "hexed", deserialize = "hexed"))]
    coded: u32,
    #[kv(added(since = 4, default = std::collections::BTreeMap::<String, u32>::new().len() as u32 + 255))]
    #[serde(serialize_with = "hex::serialize", deserialize_with = "hex::deserialize")]
    written: u32,
}

fn doubled(all: &mut Object) -> Result<(), BoxError> {
    let value = all.get("givenValue").and_then(|value| value.as_u64()).ok_or("there is no value")?;
    all.insert("givenValue".to_owned(), (value * 2).into());
    Ok(())
}

fn halved(all: &mut Object) -> Result<(), BoxError> {
    let value = all.get("givenValue").and_then(|value| value.as_u64()).ok_or("there is no value")?;
    all.insert("givenValue".to_owned(), (value / 2).into());
    Ok(())
}

fn all(id: u64) -> All {
    All { id, user_name: "ada".to_owned(), given_value: 4, of_serde: 7, coded: 0, written: 255 }
}

#[tokio::test]
async fn every_version_is_read_by_attributes() {
    let entities = collection::<All>();
    let store = entities.store();
    for (version, value) in [
        (1, json!({"name": "ada", "nickName": "x", "size": 3})),
        (2, json!({"title": "ada", "givenValue": 2, "size": 3})),
        (3, json!({"title": "ada", "givenValue": 2, "ofSerde": 7, "hexed": "0"})),
        (4, json!({"userName": "ada", "givenValue": 2, "ofSerde": 7, "hexed": "0", "written": "ff"})),
        (5, json!({"userName": "ada", "givenValue": 4, "ofSerde": 7, "hexed": "0", "written": "ff"})),
    ] {
        lay_version(store, &format!("all:{version}"), version, value).await;
        let read = entities.get(u64::from(version)).await.expect("has a way");
        assert_eq!(read, Some(all(version.into())), "version {version}");
    }
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "all", version = 5, write_version = 1, step(4 => doubled, down = halved))]
#[kv(removed(name = "nickName", since = 2, default = "nick"), removed(name = "size", since = 3, default = vec![1, 2]))]
#[serde(rename_all = "camelCase")]
struct WrittenAsFirst {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 2), renamed(from = "title", since = 4))]
    user_name: String,
    #[kv(added(since = 2, default = 2))]
    given_value: u32,
}

#[tokio::test]
async fn an_older_version_is_written() {
    let entities = collection::<WrittenAsFirst>();
    let entity = WrittenAsFirst { id: 1, user_name: "ada".to_owned(), given_value: 4 };
    entities.put(&entity).await.expect("can be written");
    let first = json!({"name": "ada", "nickName": "nick", "size": [1, 2]});
    assert_eq!(stored(entities.store(), "all:1").await, first);
    assert_eq!(entities.get(1).await.expect("can be read"), Some(entity));
}

/// A name may be given again in the version that takes it away.
#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "again", version = 2, removed(name = "b", since = 2))]
struct Again {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2, default = 3))]
    a: u32,
    #[kv(renamed(from = "a", since = 2))]
    b: u32,
}

#[tokio::test]
async fn names_are_given_again() {
    let entities = collection::<Again>();
    lay_version(entities.store(), "again:1", 1, json!({"a": 1, "b": 2})).await;
    assert_eq!(entities.get(1).await.expect("has a way"), Some(Again { id: 1, a: 3, b: 1 }));
}

/// Predecessors that nobody outside knows, and a chain of them.
pub mod chain {
    use kv_runtime::KvEntity;

    #[derive(KvEntity)]
    #[kv(prefix = "point", group = "at", codec = "postcard")]
    struct PointV1 {
        #[kv(id)]
        name: String,
        x: u8,
    }

    #[derive(KvEntity)]
    #[kv(prefix = "point", group = "at", version = 3, previous = PointV1, write_version = 1)]
    struct PointV3 {
        #[kv(id)]
        name: String,
        x: i32,
        #[kv(renamed(from = "upwards", since = 3))]
        y: i32,
    }

    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "point", group = "at", version = 5, previous = PointV3, write_version = 1)]
    pub struct Point {
        #[kv(id)]
        pub name: String,
        #[kv(skip)]
        pub shown: u32,
        pub at: (i32, i32),
        #[kv(added(since = 5, default = 1.5))]
        pub scale: f64,
    }

    impl From<PointV1> for PointV3 {
        fn from(old: PointV1) -> Self {
            Self { name: old.name, x: old.x.into(), y: 0 }
        }
    }

    impl TryFrom<&PointV3> for PointV1 {
        type Error = std::num::TryFromIntError;

        fn try_from(new: &PointV3) -> Result<Self, Self::Error> {
            Ok(Self { name: new.name.clone(), x: new.x.try_into()? })
        }
    }

    impl From<PointV3> for Point {
        fn from(old: PointV3) -> Self {
            // The id is the key's, and a skipped field is read as its default, whatever a conversion says.
            Self { name: format!("not {}", old.name), shown: 9, at: (old.x, old.y), scale: 1.0 }
        }
    }

    impl From<&Point> for PointV3 {
        fn from(new: &Point) -> Self {
            Self { name: new.name.clone(), x: new.at.0, y: new.at.1 }
        }
    }
}

fn point(at: (i32, i32), scale: f64) -> Option<Point> {
    Some(Point { name: "a".to_owned(), shown: 0, at, scale })
}

#[tokio::test]
async fn a_chain_of_predecessors_is_gone_through() {
    let points = collection::<Point>();
    let store = points.store();
    points
        .put(&Point { name: "a".to_owned(), shown: 0, at: (3, 0), scale: 2.0 })
        .await
        .expect("can be written");
    let record =
        store.read(&kv_runtime::key::Key::from_text("point:a:at")).await.expect("memory does not fail");
    let record = record.expect("was written");
    assert_eq!((record.metadata.version, &record.value[..]), (1, &[3][..]), "the first version, in postcard");
    assert_eq!(points.get("a").await.expect("has a way"), point((3, 0), 1.0));

    for (version, value, expected) in [
        (2, json!({"x": -1, "upwards": 2}), point((-1, 2), 1.0)),
        (3, json!({"x": -1, "y": 2}), point((-1, 2), 1.0)),
        (4, json!({"at": [1, 2]}), point((1, 2), 1.5)),
        (5, json!({"at": [1, 2], "scale": 3.0}), point((1, 2), 3.0)),
    ] {
        lay_version(store, "point:a:at", version, value).await;
        assert_eq!(points.get("a").await.expect("has a way"), expected, "version {version}");
    }
    let error = points.put(&Point { name: "a".to_owned(), shown: 0, at: (-3, 0), scale: 2.0 }).await;
    assert!(error.expect_err("is no u8").to_string().contains("point:a"), "the conversion back is asked");
}

/// A version after the predecessor's is written: no conversion back is asked for.
#[derive(KvEntity)]
#[kv(prefix = "late")]
struct LateV1 {
    #[kv(id)]
    id: u64,
    a: u32,
}

#[derive(KvEntity)]
#[kv(prefix = "late", version = 3, previous = LateV1, write_version = 2)]
struct Late {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "b", since = 3))]
    c: u32,
}

impl From<LateV1> for Late {
    fn from(old: LateV1) -> Self {
        Self { id: old.id, c: old.a }
    }
}

#[tokio::test]
async fn a_version_after_the_predecessor_is_written_by_steps() {
    let entities = collection::<Late>();
    lay_version(entities.store(), "late:1", 1, json!({"a": 5})).await;
    assert_eq!(entities.get(1).await.expect("has a way").map(|late| late.c), Some(5));
    entities.update(1, |late| late.c += 1).await.expect("can be written");
    assert_eq!(stored(entities.store(), "late:1").await, json!({"b": 6}));
}

/// Type parameters: in fields that are new, and in the predecessor.
#[derive(KvEntity)]
#[kv(prefix = "cell")]
struct CellV1<T: Serialize + DeserializeOwned + Clone> {
    #[kv(id)]
    id: u64,
    value: T,
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "cell", version = 3, previous = CellV1<T>, write_version = 1)]
pub struct Cell<T: Serialize + DeserializeOwned + Clone> {
    #[kv(id)]
    id: u64,
    values: Vec<T>,
    #[kv(added(since = 3))]
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    other: Option<T>,
    #[kv(added(since = 3, default = Vec::<T>::new()))]
    more: Vec<T>,
}

fn as_text<T: Serialize, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(value).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&text)
}

fn from_text<'de, T: DeserializeOwned, D: serde::Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    serde_json::from_str(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl<T: Serialize + DeserializeOwned + Clone> From<CellV1<T>> for Cell<T> {
    fn from(old: CellV1<T>) -> Self {
        Self { id: old.id, values: vec![old.value], other: None, more: Vec::new() }
    }
}

impl<T: Serialize + DeserializeOwned + Clone> TryFrom<&Cell<T>> for CellV1<T> {
    type Error = &'static str;

    fn try_from(new: &Cell<T>) -> Result<Self, Self::Error> {
        Ok(Self { id: new.id, value: new.values.first().ok_or("there is no value")?.clone() })
    }
}

#[tokio::test]
async fn generic_entities_have_generic_predecessors() {
    let cells = collection::<Cell<u32>>();
    let cell = |other| Some(Cell { id: 1, values: vec![7_u32], other, more: Vec::new() });
    lay_version(cells.store(), "cell:1", 1, json!({"value": 7})).await;
    assert_eq!(cells.get(1).await.expect("has a way"), cell(None));
    lay_version(cells.store(), "cell:1", 2, json!({"values": [7]})).await;
    assert_eq!(cells.get(1).await.expect("has a way"), cell(None));
    lay_version(cells.store(), "cell:1", 3, json!({"values": [7], "other": "5", "more": []})).await;
    assert_eq!(cells.get(1).await.expect("is current"), cell(Some(5)));
    cells
        .insert(&Cell { id: 2, values: vec![8], other: None, more: Vec::new() })
        .await
        .expect("can be written");
    assert_eq!(stored(cells.store(), "cell:2").await, json!({"value": 8}));
}

/// Groups with ways of their own; their views have the same.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(
    prefix = "user",
    group = "profile",
    version = 2,
    removed(name = "age", since = 2, default = 0),
    derive(Debug, PartialEq)
)]
#[kv(group(name = "settings", version = 3, optional, previous = SettingsV1, step(2 => Self::wider), derive(Debug, PartialEq)))]
#[serde(rename_all = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 2, compatible))]
    user_name: String,
    #[kv(group = "settings")]
    page_width: u32,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "settings")]
struct SettingsV1 {
    #[kv(id)]
    id: u64,
    width: u32,
}

impl From<SettingsV1> for UserSettings {
    fn from(old: SettingsV1) -> Self {
        Self { id: old.id, page_width: old.width * 100 }
    }
}

impl User {
    fn wider(settings: &mut Object) -> Result<(), BoxError> {
        let width = settings.remove("width").and_then(|width| width.as_u64()).ok_or("there is no width")?;
        settings.insert("pageWidth".to_owned(), (width * 10).into());
        Ok(())
    }
}

#[tokio::test]
async fn views_have_the_ways_of_their_groups() {
    let users = collection::<User>();
    let store = users.store();
    let user = |page_width| Some(User { id: 1, user_name: "ada".to_owned(), page_width });
    lay_version(store, "user:1:profile", 1, json!({"name": "ada", "age": 36})).await;
    assert_eq!(users.get(1).await.expect("has a way"), user(0));
    for (version, value, expected) in
        [(1, json!({"width": 7}), 700), (2, json!({"width": 7}), 70), (3, json!({"pageWidth": 7}), 7)]
    {
        lay_version(store, "user:1:settings", version, value.clone()).await;
        assert_eq!(users.get(1).await.expect("has a way"), user(expected), "version {version}");

        let views = collection::<UserSettings>();
        lay_version(views.store(), "user:1:settings", version, value).await;
        let view = views.get(1).await.expect("has a way");
        assert_eq!(view, Some(UserSettings { id: 1, page_width: expected }), "version {version}");
    }
    let views = collection::<UserProfile>();
    lay_version(views.store(), "user:1:profile", 1, json!({"name": "ada", "age": 36})).await;
    let view = views.get(1).await.expect("has a way");
    assert_eq!(view, Some(UserProfile { id: 1, user_name: "ada".to_owned() }));
}

/// Members that are new and come from the struct's own default.
#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "whole", version = 2, oldest = 1)]
#[serde(default, deny_unknown_fields)]
struct Whole {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(added(since = 2))]
    size: u32,
}

impl Default for Whole {
    fn default() -> Self {
        Self { id: 0, name: "?".to_owned(), size: 3 }
    }
}

#[tokio::test]
async fn a_new_member_comes_from_the_structs_default() {
    let entities = collection::<Whole>();
    lay_version(entities.store(), "whole:1", 1, json!({"name": "a"})).await;
    let read = entities.get(1).await.expect("has a way");
    assert_eq!(read, Some(Whole { id: 1, name: "a".to_owned(), size: 3 }));
    let group = Whole::SCHEMA.groups()[0];
    assert_eq!(group.oldest_reader(2), 2, "what denies unknown members reads no newer ones");
}

#[test]
fn the_table_says_it_all() {
    let group = All::SCHEMA.groups()[0];
    let steps: Vec<(u32, bool)> =
        group.steps().iter().map(|step| (step.to(), step.is_compatible())).collect();
    let expected = [
        (2, false), // nickName is gone
        (2, false), // name is title
        (2, true),  // givenValue
        (3, true),  // size is gone
        (3, true),  // ofSerde
        (3, true),  // coded
        (4, false), // title is userName
        (4, true),  // written
        (5, false), // doubled
    ];
    assert_eq!(steps, expected);
    assert_eq!((group.version(), group.oldest(), group.write_version()), (5, 1, 5));
    assert_eq!((group.oldest_reader(3), group.oldest_reader(2)), (2, 2));
    let written = WrittenAsFirst::SCHEMA.groups()[0];
    assert_eq!((written.version(), written.write_version()), (5, 1));
}
