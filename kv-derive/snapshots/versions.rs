#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        deny_unknown_fields,
        crate = "__kv::serde"
    )]
    struct __Write0 {
        user_name: String,
        visits: u32,
        #[serde(with = "hex")]
        code: u32,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        deny_unknown_fields,
        crate = "__kv::serde",
        expecting = "struct User"
    )]
    struct __Read0 {
        user_name: String,
        visits: u32,
        #[serde(with = "hex")]
        code: u32,
    }
    #[automatically_derived]
    impl<__S: __kv::Store> __kv::StoredIn<__S> for User {}
    #[automatically_derived]
    impl __kv::KvEntity for User
    where
        u64: __kv::KvId,
        String: __kv::MaybeSend + __kv::MaybeSync,
        u32: __kv::MaybeSend + __kv::MaybeSync,
    {
        type Id = u64;
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "User",
                "user",
                &[__kv::IdSchema::new("id", <u64 as __kv::KvId>::KIND)],
                &[
                    __kv::GroupSchema::new(
                            ::core::option::Option::None,
                            4u32,
                            __kv::Codec::Json,
                        )
                        .with_oldest(1u32)
                        .with_write_version(2u32)
                        .with_steps(
                            &[
                                __kv::Step::new(
                                    3u32,
                                    __kv::Change::Function {
                                        name: "steps::up",
                                        up: steps::up,
                                        down: ::core::option::Option::Some(steps::down),
                                    },
                                ),
                                __kv::Step::new(
                                        4u32,
                                        __kv::Change::Remove {
                                            name: "age",
                                            default: ::core::option::Option::Some(|| __kv::to_json(0)),
                                        },
                                    )
                                    .compatible(),
                                __kv::Step::new(
                                    4u32,
                                    __kv::Change::Rename {
                                        from: "name",
                                        to: "userName",
                                    },
                                ),
                                __kv::Step::new(
                                    4u32,
                                    __kv::Change::Add {
                                        name: "visits",
                                        default: || __kv::to_json::<u32>(3 + 4),
                                    },
                                ),
                                __kv::Step::new(
                                    4u32,
                                    __kv::Change::Add {
                                        name: "code",
                                        default: || {
                                            #[derive(__kv::serde::Serialize)]
                                            #[serde(transparent, crate = "__kv::serde")]
                                            struct __Member {
                                                #[serde(with = "hex")]
                                                code: u32,
                                            }
                                            __kv::to_json::<
                                                __Member,
                                            >(__Member {
                                                code: __kv::AddedDefault::make(),
                                            })
                                        },
                                    },
                                ),
                            ],
                        )
                        .denies_unknown(),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            __kv::cloned(&self.id)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.id = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.id);
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = match <Self as __kv::KvEntity>::from_previous(
                &__id,
                __groups,
                0,
            )? {
                ::core::option::Option::Some(mut __new) => {
                    <Self as __kv::KvEntity>::set_id(&mut __new, __id);
                    return ::core::result::Result::Ok(__new);
                }
                ::core::option::Option::None => __groups.required(0)?,
            };
            ::core::result::Result::Ok(Self {
                id: __id,
                user_name: __group0.user_name,
                visits: __group0.visits,
                code: __group0.code,
            })
        }
        fn from_previous<__G: __kv::GroupSource>(
            __id: &Self::Id,
            __groups: &mut __G,
            __group: usize,
        ) -> ::core::result::Result<::core::option::Option<Self>, __G::Error> {
            <UserV1 as __kv::KvEntity>::read_as_previous::<
                __G,
                Self,
            >(
                __groups,
                __group,
                || __kv::same_id::<
                    <UserV1 as __kv::KvEntity>::Id,
                    <Self as __kv::KvEntity>::Id,
                >(__id),
            )
        }
        fn as_previous<__V: __kv::PreviousVisitor>(
            &self,
            __group: usize,
            __version: u32,
            __visitor: __V,
        ) -> ::core::option::Option<__V::Out> {
            if __group == 0 && __version <= __kv::newest::<UserV1>() {
                ::core::option::Option::Some(
                    __visitor
                        .visit(
                            <Self as __kv::WayBack<
                                UserV1,
                                { __kv::newest::<UserV1>() >= 2u32 },
                            >>::way_back(self),
                        ),
                )
            } else {
                ::core::option::Option::None
            }
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0,
            >(
                __visitor,
                0,
                &[
                    ("user_name", "String", &[]),
                    ("visits", "u32", &[]),
                    ("code", "u32", &["with = \"hex\""]),
                ],
            );
            <UserV1 as __kv::KvEntity>::visit_as_previous(__visitor, 0);
        }
    }
    #[automatically_derived]
    impl __kv::Touch for User
    where
        u64: __kv::KvId,
        String: __kv::MaybeSend + __kv::MaybeSync,
        u32: __kv::MaybeSend + __kv::MaybeSync,
    {}
    const _: () = __kv::assert_follows(
        &<User as __kv::KvEntity>::SCHEMA,
        0,
        &<UserV1 as __kv::KvEntity>::SCHEMA,
    );
};
