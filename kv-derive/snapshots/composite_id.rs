#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use crate::renamed::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "r#type",
        rename = "type",
        deny_unknown_fields,
        crate = "__kv::serde"
    )]
    struct __Write0 {
        r#fn: String,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "type",
        deny_unknown_fields,
        crate = "__kv::serde",
        expecting = "struct type",
        default
    )]
    struct __Read0 {
        r#fn: String,
    }
    #[automatically_derived]
    impl ::core::default::Default for __Read0 {
        fn default() -> Self {
            let __entity: r#type = ::core::default::Default::default();
            Self { r#fn: __entity.r#fn }
        }
    }
    #[automatically_derived]
    impl<__S: __kv::Store> __kv::StoredIn<__S> for r#type {}
    #[automatically_derived]
    impl __kv::KvEntity for r#type
    where
        OrgId: __kv::KvId,
        i64: __kv::KvId,
        String: __kv::MaybeSend + __kv::MaybeSync,
    {
        type Id = (OrgId, i64);
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "type",
                "org:event",
                &[
                    __kv::IdSchema::new("org", <OrgId as __kv::KvId>::KIND),
                    __kv::IdSchema::new("at", <i64 as __kv::KvId>::KIND).ordered(),
                ],
                &[
                    __kv::GroupSchema::new(
                            ::core::option::Option::None,
                            1u32,
                            __kv::Codec::Json,
                        )
                        .denies_unknown(),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            (__kv::cloned(&self.org), __kv::cloned(&self.at))
        }
        fn set_id(&mut self, __id: Self::Id) {
            (self.org, self.at) = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.org);
            __key.push(&self.at);
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
            let __group0: __Read0 = __groups.required(0)?;
            ::core::result::Result::Ok(Self {
                org: __id.0,
                at: __id.1,
                r#fn: __group0.r#fn,
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0,
            >(__visitor, 0, &[("fn", "String", &[])]);
        }
    }
    #[automatically_derived]
    impl __kv::Touch for r#type
    where
        OrgId: __kv::KvId,
        i64: __kv::KvId,
        String: __kv::MaybeSend + __kv::MaybeSync,
    {}
    const _: () = ::core::assert!(
        < i64 as __kv::KvId > ::KIND.is_integer(),
        "`ordered` sorts numbers, and the id `at` is not a number"
    );
};
