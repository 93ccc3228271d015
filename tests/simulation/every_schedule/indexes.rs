//! Writes and lookups of an entity with a unique index and one that is not.

use std::future::Future;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::StoreExt;
use kv_runtime::{Codec, Collection, Error, KvEntity};

use super::{Bounds, Ended, Gate, Reads, Scene, every_schedule, now};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member", group = "who", group(name = "where"))]
struct Member {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[serde(default)]
    visits: u64,
    #[kv(group = "where", index)]
    city: String,
}

type Members = Collection<Member, Gate>;

const EMAIL: &str = "ada@example.com";

fn member(id: u64, email: &str, city: &str) -> Member {
    Member { id, email: email.to_owned(), visits: 0, city: city.to_owned() }
}

/// Ada in London, and Bob in Paris.
fn scene<T>() -> Scene<T> {
    scene_reading(Reads::Together)
}

/// The same with handles that read like this.
fn scene_reading<T>(reads: Reads) -> Scene<T> {
    let scene = Scene::reading(reads);
    let members = [member(1, EMAIL, "London"), member(2, "bob@example.com", "Paris")];
    now(scene.process().collection::<Member>().put_many(&members)).expect("they are written");
    scene
}

/// Adds an actor. Its handle has made sure before that the indexes are ready.
fn act<T, F: Future<Output = T> + 'static>(scene: &mut Scene<T>, act: impl FnOnce(Members) -> F) {
    let members = scene.process().collection::<Member>();
    now(async {
        members.insert(&member(9, "nine@example.com", "")).await?;
        members.delete(9).await
    })
    .expect("it is new");
    scene.add(act(members));
}

/// Compares the indexes with the entities.
fn check<T>(ended: &Ended<T>) -> Vec<Member> {
    let members = ended.kv.collection::<Member>();
    let page = now(members.list().page()).expect("it can be listed");
    for member in &page.entities {
        let by_email = now(members.by(Member::EMAIL).get(&member.email)).expect("it can be read");
        assert_eq!(by_email.as_ref(), Some(member));
        let by_city = now(members.by(Member::CITY).equal(&member.city).page()).expect("it can be read");
        assert!(by_city.entities.contains(member), "{member:?} is not in {:?}", by_city.entities);
    }
    let report = now(members.check_indexes()).expect("it can be checked");
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{:?}", page.entities);
    page.entities
}

/// Whether the value was free, or another has it.
fn was_free(result: Result<(), Error>) -> bool {
    match result {
        Ok(()) => true,
        Err(Error::NotUnique { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn two_updates_leave_the_entries_of_the_last() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            for city in ["Paris", "Rome"] {
                act(&mut scene, |members| async move {
                    let moved = members.update(1, |member| member.city = city.to_owned()).await;
                    moved.map(drop).expect("it is there");
                });
            }
            scene
        },
        |ended| drop(check(ended)),
    );
}

/// ElectroDB #406 and #479: an index is wrong after a part of an entity was written.
#[test]
fn views_of_two_groups_and_a_delete_keep_the_entries_right() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            let view = scene.process().collection::<MemberWhere>();
            scene.add(async move {
                match view.update(1, |member| member.city = "Rome".to_owned()).await {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            });
            act(&mut scene, |members| async move { members.delete(1).await.expect("it is deleted") });
            scene
        },
        |ended| {
            let is_deleted = ended.returned[1].is_some();
            assert!(check(ended).iter().all(|member| member.id != 1 || !is_deleted));
        },
    );
}

#[test]
fn one_of_two_inserts_gets_the_value() {
    every_schedule(
        Bounds::NONE,
        || {
            let mut scene = scene();
            for id in [3, 4] {
                act(&mut scene, |members| async move {
                    was_free(members.insert(&member(id, "new@example.com", "Rome")).await)
                });
            }
            scene
        },
        |ended| {
            let owners = ended.returned.iter().filter(|it| **it == Some(true)).count();
            assert_eq!((owners, check(ended).len()), (1, 3));
        },
    );
}

/// A value that its owner gives up while two others want it.
#[test]
fn a_value_that_is_given_up_has_one_owner_at_the_most() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            act(&mut scene, |members| async move {
                let given = members.update(1, |member| member.email = "old@example.com".to_owned()).await;
                given.map(drop).expect("it is there");
                true
            });
            act(&mut scene, |members| async move { was_free(members.put(&member(2, EMAIL, "Paris")).await) });
            scene
        },
        |ended| {
            let owners = check(ended).iter().filter(|member| member.email == EMAIL).count();
            assert!(owners <= 1);
            assert!(ended.returned[1] != Some(true) || owners == 1);
        },
    );
}

/// The owner is gone without its claim, as after an expiry. It comes back while another takes its value.
#[test]
fn an_owner_that_comes_back_and_a_takeover_leave_one_owner() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            let store = scene.store.clone();
            for key in ["member:1:who", "member:1:where"] {
                now(store.delete(Key::from_text(key))).expect("it is deleted");
            }
            act(
                &mut scene,
                |members| async move { was_free(members.insert(&member(1, EMAIL, "London")).await) },
            );
            act(
                &mut scene,
                |members| async move { was_free(members.insert(&member(3, EMAIL, "London")).await) },
            );
            scene
        },
        |ended| {
            let members = ended.kv.collection::<Member>();
            // The entry of the city that an expiry left may still be there.
            now(members.sweep_indexes()).expect("it is swept");
            let owners = check(ended).iter().filter(|member| member.email == EMAIL).count();
            assert!(owners <= 1);
            assert_eq!(owners, ended.returned.iter().filter(|it| **it == Some(true)).count().max(owners));
        },
    );
}

#[test]
fn a_value_that_moves_is_always_found() {
    for reads in Reads::ALL {
        every_schedule(
            Bounds::NONE,
            || {
                let mut scene = scene_reading(reads);
                let kv = scene.process();
                scene.add(async move {
                    let moved = kv.transact(async |tx| {
                        let (one, two) = (tx.get::<Member>(1).await?, tx.get::<Member>(2).await?);
                        let (Some(mut one), Some(mut two)) = (one, two) else { return Ok(()) };
                        std::mem::swap(&mut one.email, &mut two.email);
                        tx.save(&one)?;
                        tx.save(&two)
                    });
                    moved.await.expect("both are there");
                    None
                });
                act(&mut scene, |members| async move {
                    members.by(Member::EMAIL).get(EMAIL).await.expect("it can be read")
                });
                scene
            },
            |ended| {
                check(ended);
                let found = ended.returned[1].as_ref().expect("it has ended").as_ref();
                assert_eq!(found.map(|member| member.email.as_str()), Some(EMAIL));
            },
        );
    }
}

#[test]
fn a_page_shows_what_is_in_a_city_all_the_time_and_nothing_else() {
    for reads in Reads::ALL {
        every_schedule(
            Bounds::NONE,
            || {
                let mut scene = scene_reading(reads);
                act(&mut scene, |members| async move {
                    let moved = members.update(2, |member| member.city = "London".to_owned()).await;
                    moved.map(drop).expect("it is there");
                    Vec::new()
                });
                act(&mut scene, |members| async move {
                    let page = members.by(Member::CITY).equal("London").page().await.expect("it can be read");
                    page.entities
                });
                scene
            },
            |ended| {
                check(ended);
                let page = ended.returned[1].as_ref().expect("it has ended");
                assert!(page.iter().all(|member| member.city == "London"), "{page:?}");
                assert_eq!(page.first().map(|member| member.id), Some(1));
            },
        );
    }
}

/// A delete by a value, while the value is given up.
#[test]
fn a_delete_by_a_value_deletes_nobody_else() {
    for reads in Reads::ALL {
        every_schedule(
            Bounds::DROPPED,
            || {
                let mut scene = scene_reading(reads);
                act(&mut scene, |members| async move {
                    let changed =
                        members.update(1, |member| member.email = "old@example.com".to_owned()).await;
                    match changed {
                        Ok(_) => true,
                        Err(Error::NotFound { .. }) => false,
                        Err(error) => panic!("{error}"),
                    }
                });
                act(&mut scene, |members| async move {
                    members.by(Member::EMAIL).delete(EMAIL).await.expect("it can be deleted")
                });
                scene
            },
            |ended| {
                let is_there = check(ended).iter().any(|member| member.id == 1);
                match (ended.returned[0], ended.returned[1]) {
                    (Some(changed), Some(deleted)) => assert_eq!((changed, is_there), (!deleted, !deleted)),
                    (Some(true), None) => assert!(is_there),
                    _ => {}
                }
            },
        );
    }
}

/// Members as a program wrote them that knows no index.
fn older_scene<T>() -> Scene<T> {
    let scene = Scene::new();
    for (id, email, city) in [(1, EMAIL, "London"), (2, "bob@example.com", "Paris")] {
        let who = NewRecord::new(format!(r#"{{"email":"{email}"}}"#), Metadata::new(1, Codec::Json));
        let place = NewRecord::new(format!(r#"{{"city":"{city}"}}"#), Metadata::new(1, Codec::Json));
        let written = async {
            scene.store.put(Key::from_text(format!("member:{id}:who")), who).await?;
            scene.store.put(Key::from_text(format!("member:{id}:where")), place).await
        };
        now(written).expect("they are written");
    }
    scene
}

#[test]
fn a_build_misses_nothing_that_is_written_meanwhile() {
    type Write = fn(Members) -> std::pin::Pin<Box<dyn Future<Output = bool>>>;
    let writes: [Write; 3] = [
        |members| {
            Box::pin(async move {
                let moved = members.update(2, |member| member.city = "Rome".to_owned()).await;
                moved.map(|_| true).expect("it is there")
            })
        },
        |members| {
            Box::pin(async move { was_free(members.insert(&member(3, "new@example.com", "Rome")).await) })
        },
        |members| {
            Box::pin(async move {
                members.delete(1).await.expect("it is deleted");
                was_free(members.insert(&member(3, EMAIL, "Rome")).await)
            })
        },
    ];
    for write in writes {
        every_schedule(
            Bounds::FEW,
            || {
                let mut scene = older_scene();
                let members = scene.process().collection::<Member>();
                scene.add(async move {
                    let built = members.build_indexes().no_older_writers().run().await;
                    built.expect("it is built").is_ready
                });
                let members = scene.process().collection::<Member>();
                scene.add(write(members));
                scene
            },
            |ended| {
                assert_eq!(ended.returned, [Some(true), Some(true)]);
                check(ended);
            },
        );
    }
}

#[test]
fn a_sweep_removes_nothing_that_is_written_meanwhile() {
    every_schedule(
        Bounds::FEW,
        || {
            let mut scene = scene();
            // What an expiry leaves.
            let store = scene.store.clone();
            for key in ["member:1:who", "member:1:where"] {
                now(store.delete(Key::from_text(key))).expect("it is deleted");
            }
            let members = scene.process().collection::<Member>();
            scene.add(async move { members.sweep_indexes().await.is_ok() });
            act(
                &mut scene,
                |members| async move { was_free(members.insert(&member(1, EMAIL, "London")).await) },
            );
            scene
        },
        |ended| {
            assert_eq!(ended.returned, [Some(true), Some(true)]);
            assert_eq!(check(ended).len(), 2);
        },
    );
}

/// A lookup that began while an index was ready ends while it is ready again, with none of its entries
/// between.
#[test]
fn a_lookup_finds_all_or_fails_while_an_index_is_dropped_and_built() {
    type Lookup = fn(Members) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Member>, Error>>>>;
    let lookups: [(&str, Lookup); 2] = [
        ("email", |members| {
            Box::pin(async move { Ok(members.by(Member::EMAIL).get(EMAIL).await?.into_iter().collect()) })
        }),
        ("city", |members| {
            Box::pin(async move { Ok(members.by(Member::CITY).equal("London").page().await?.entities) })
        }),
    ];
    for (index, lookup) in lookups {
        for (reads, has_looked) in Reads::ALL.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            every_schedule(
                Bounds::FEW,
                || {
                    let mut scene = scene_reading(reads);
                    let members = scene.process().collection::<Member>();
                    scene.add(async move {
                        members.drop_index(index).await?;
                        members.build_indexes().no_older_writers().run().await?;
                        Ok(Vec::new())
                    });
                    let members = scene.process().collection::<Member>();
                    if has_looked {
                        now(lookup(members.clone())).expect("the index is ready");
                    }
                    scene.add(lookup(members));
                    scene
                },
                |ended| {
                    match ended.returned[1].as_ref().expect("it has ended") {
                        Ok(found) => assert_eq!(found.len(), 1, "{reads:?}"),
                        Err(error) => assert!(matches!(error, Error::IndexNotReady { .. }), "{error}"),
                    }
                    check(ended);
                },
            );
        }
    }
}

#[test]
fn a_check_repairs_nothing_that_others_have_just_written() {
    every_schedule(
        Bounds { interruptions: 2, ..Bounds::FEW },
        || {
            let mut scene = scene();
            let members = scene.process().collection::<Member>();
            scene.add(async move { members.check_indexes().await.expect("it can be checked").violations });
            act(&mut scene, |members| async move {
                let changed = members.update(1, |member| {
                    (member.email, member.city) = ("new@example.com".to_owned(), "Rome".to_owned());
                });
                changed.await.expect("it is there");
                u64::from(!was_free(members.insert(&member(3, EMAIL, "London")).await))
            });
            scene
        },
        |ended| {
            assert_eq!(ended.returned, [Some(0), Some(0)]);
            assert_eq!(check(ended).len(), 3);
        },
    );
}

/// A value moves within a batch, and what else is written meanwhile is not lost.
#[test]
fn a_batch_and_an_update_keep_the_entries_right() {
    every_schedule(
        Bounds::FEW,
        || {
            let mut scene = scene();
            act(&mut scene, |members| async move {
                let moved = [member(1, "bob@example.com", "Rome"), member(2, EMAIL, "London")];
                members.put_many(&moved).await.expect("the values are theirs");
            });
            act(&mut scene, |members| async move {
                let moved = members.update(1, |member| member.city = "Oslo".to_owned()).await;
                moved.map(drop).expect("it is there");
            });
            scene
        },
        |ended| {
            let emails: Vec<String> = check(ended).into_iter().map(|member| member.email).collect();
            assert_eq!(emails, ["bob@example.com", EMAIL]);
        },
    );
}

/// Nobody can compare what cannot be read. Two puts repair it, and leave no more than garbage.
#[test]
fn two_puts_of_a_record_that_cannot_be_read_leave_right_lookups() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            let damaged = NewRecord::new("no JSON", Metadata::new(1, Codec::Json));
            now(scene.store.put(Key::from_text("member:1:who"), damaged)).expect("it is written");
            for (email, city) in [("one@example.com", "Rome"), ("two@example.com", "Oslo")] {
                act(&mut scene, |members| async move {
                    members.put(&member(1, email, city)).await.expect("a put repairs it");
                });
            }
            scene
        },
        |ended| {
            let members = ended.kv.collection::<Member>();
            let swept = now(members.sweep_indexes()).expect("it is swept");
            assert!(swept.removed > 0 || ended.returned.contains(&None));
            if ended.returned.iter().any(Option::is_some) {
                assert_eq!(check(ended).len(), 2);
            }
        },
    );
}

/// The same entity in a newer program, which enters its cities in another way.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member", group = "who", group(name = "where"))]
struct NewerMember {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[serde(default)]
    visits: u64,
    #[kv(group = "where", index(with = str::to_uppercase, generation = 2))]
    city: String,
}

/// What a newer program writes, an older one does not find, and knows that it does not.
#[test]
fn an_older_lookup_finds_all_or_fails_while_a_newer_program_writes() {
    for reads in Reads::ALL {
        every_schedule(
            Bounds::FEW,
            || {
                let mut scene = scene_reading(reads);
                let newer = scene.process().collection::<NewerMember>();
                scene.add(async move {
                    let Member { id, email, visits, city } = member(3, "new@example.com", "London");
                    let inserted = newer.insert(&NewerMember { id, email, visits, city }).await;
                    inserted.map(|()| Vec::new())
                });
                let members = scene.process().collection::<Member>();
                scene.add(async move { Ok(members.by(Member::CITY).equal("London").page().await?.entities) });
                scene
            },
            |ended| {
                assert!(matches!(&ended.returned[0], Some(Ok(_))), "{:?}", ended.returned[0]);
                match ended.returned[1].as_ref().expect("it has ended") {
                    Ok(found) => assert_eq!(found.first().map(|member| member.id), Some(1)),
                    Err(error) => assert!(matches!(error, Error::IndexNotReady { .. }), "{error}"),
                }
                let members = ended.kv.collection::<Member>();
                let later = now(members.by(Member::CITY).equal("London").page());
                assert!(matches!(later, Err(Error::IndexNotReady { .. })), "{later:?}");
            },
        );
    }
}
