#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "User",
        rename = "User",
        rename_all = "camelCase",
        deny_unknown_fields,
        crate = "::kv_runtime::__private::serde"
    )]
    struct __Write0 {
        user_name: String,
        visits: u32,
        #[serde(with = "hex")]
        code: u32,
    }
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "User",
        rename_all = "camelCase",
        deny_unknown_fields,
        crate = "::kv_runtime::__private::serde",
        expecting = "struct User"
    )]
    struct __Read0 {
        user_name: String,
        visits: u32,
        #[serde(with = "hex")]
        code: u32,
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::KvEntity for User
    where
        u64: ::kv_runtime::__private::KvId,
        String: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        u32: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
    {
        type Id = u64;
        const SCHEMA: ::kv_runtime::__private::EntitySchema = ::kv_runtime::__private::EntitySchema::new(
                "User",
                "user",
                &[
                    ::kv_runtime::__private::IdSchema::new(
                        "id",
                        <u64 as ::kv_runtime::__private::KvId>::KIND,
                    ),
                ],
                &[
                    ::kv_runtime::__private::GroupSchema::new(
                            ::core::option::Option::None,
                            4u32,
                            ::kv_runtime::__private::Codec::Json,
                        )
                        .with_oldest(1u32)
                        .with_write_version(2u32)
                        .with_steps(
                            &[
                                ::kv_runtime::__private::Step::new(
                                    3u32,
                                    ::kv_runtime::__private::Change::Function {
                                        name: "steps::up",
                                        up: steps::up,
                                        down: ::core::option::Option::Some(steps::down),
                                    },
                                ),
                                ::kv_runtime::__private::Step::new(
                                        4u32,
                                        ::kv_runtime::__private::Change::Remove {
                                            name: "age",
                                            default: ::core::option::Option::Some(|| ::kv_runtime::__private::to_json(
                                                0,
                                            )),
                                        },
                                    )
                                    .compatible(),
                                ::kv_runtime::__private::Step::new(
                                    4u32,
                                    ::kv_runtime::__private::Change::Rename {
                                        from: "name",
                                        to: "userName",
                                    },
                                ),
                                ::kv_runtime::__private::Step::new(
                                    4u32,
                                    ::kv_runtime::__private::Change::Add {
                                        name: "visits",
                                        default: || ::kv_runtime::__private::to_json::<u32>(3 + 4),
                                    },
                                ),
                                ::kv_runtime::__private::Step::new(
                                    4u32,
                                    ::kv_runtime::__private::Change::Add {
                                        name: "code",
                                        default: || {
                                            #[derive(::kv_runtime::__private::serde::Serialize)]
                                            #[serde(
                                                transparent,
                                                crate = "::kv_runtime::__private::serde"
                                            )]
                                            struct __Member {
                                                #[serde(with = "hex")]
                                                code: u32,
                                            }
                                            ::kv_runtime::__private::to_json::<
                                                __Member,
                                            >(__Member {
                                                code: ::kv_runtime::__private::AddedDefault::make(),
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
            ::kv_runtime::__private::cloned(&self.id)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.id = __id;
        }
        fn write_id(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(&self.id);
        }
        fn serialize_group<__S: ::kv_runtime::__private::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                _ => ::kv_runtime::__private::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: ::kv_runtime::__private::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = match <Self as ::kv_runtime::__private::KvEntity>::from_previous(
                &__id,
                __groups,
                0,
            )? {
                ::core::option::Option::Some(mut __new) => {
                    <Self as ::kv_runtime::__private::KvEntity>::set_id(
                        &mut __new,
                        __id,
                    );
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
        fn from_previous<__G: ::kv_runtime::__private::GroupSource>(
            __id: &Self::Id,
            __groups: &mut __G,
            __group: usize,
        ) -> ::core::result::Result<::core::option::Option<Self>, __G::Error> {
            <UserV1 as ::kv_runtime::__private::KvEntity>::read_as_previous::<
                __G,
                Self,
            >(
                __groups,
                __group,
                || ::kv_runtime::__private::same_id::<
                    <UserV1 as ::kv_runtime::__private::KvEntity>::Id,
                    <Self as ::kv_runtime::__private::KvEntity>::Id,
                >(__id),
            )
        }
        fn as_previous<__V: ::kv_runtime::__private::PreviousVisitor>(
            &self,
            __group: usize,
            __version: u32,
            __visitor: __V,
        ) -> ::core::option::Option<__V::Out> {
            if __group == 0 && __version <= ::kv_runtime::__private::newest::<UserV1>() {
                ::core::option::Option::Some(
                    __visitor
                        .visit(
                            <Self as ::kv_runtime::__private::WayBack<
                                UserV1,
                                { ::kv_runtime::__private::newest::<UserV1>() >= 2u32 },
                            >>::way_back(self),
                        ),
                )
            } else {
                ::core::option::Option::None
            }
        }
        fn visit_shape<__V: ::kv_runtime::__private::ShapeVisitor>(__visitor: &mut __V) {
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
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
            <UserV1 as ::kv_runtime::__private::KvEntity>::visit_as_previous(
                __visitor,
                0,
            );
        }
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::Touch for User
    where
        u64: ::kv_runtime::__private::KvId,
        String: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        u32: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
    {}
    const _: () = ::kv_runtime::__private::assert_follows(
        &<User as ::kv_runtime::__private::KvEntity>::SCHEMA,
        0,
        &<UserV1 as ::kv_runtime::__private::KvEntity>::SCHEMA,
    );
};
