#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[derive(crate::renamed::__private::serde::Serialize)]
    #[serde(
        remote = "r#type",
        rename = "type",
        deny_unknown_fields,
        crate = "crate::renamed::__private::serde"
    )]
    struct __Write0 {
        r#fn: String,
    }
    #[derive(crate::renamed::__private::serde::Deserialize)]
    #[serde(
        rename = "type",
        deny_unknown_fields,
        crate = "crate::renamed::__private::serde",
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
    impl crate::renamed::__private::KvEntity for r#type
    where
        OrgId: crate::renamed::__private::KvId,
        i64: crate::renamed::__private::KvId,
        String: crate::renamed::__private::MaybeSend
            + crate::renamed::__private::MaybeSync,
    {
        type Id = (OrgId, i64);
        const SCHEMA: crate::renamed::__private::EntitySchema = crate::renamed::__private::EntitySchema::new(
                "type",
                "org:event",
                &[
                    crate::renamed::__private::IdSchema::new(
                        "org",
                        <OrgId as crate::renamed::__private::KvId>::KIND,
                    ),
                    crate::renamed::__private::IdSchema::new(
                            "at",
                            <i64 as crate::renamed::__private::KvId>::KIND,
                        )
                        .ordered(),
                ],
                &[
                    crate::renamed::__private::GroupSchema::new(
                            ::core::option::Option::None,
                            1u32,
                            crate::renamed::__private::Codec::Json,
                        )
                        .denies_unknown(),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            (
                crate::renamed::__private::cloned(&self.org),
                crate::renamed::__private::cloned(&self.at),
            )
        }
        fn set_id(&mut self, __id: Self::Id) {
            (self.org, self.at) = __id;
        }
        fn write_id(&self, __key: &mut crate::renamed::__private::KeyBuilder) {
            __key.push(&self.org);
            __key.push(&self.at);
        }
        fn serialize_group<__S: crate::renamed::__private::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                _ => crate::renamed::__private::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: crate::renamed::__private::GroupSource>(
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
        fn visit_shape<__V: crate::renamed::__private::ShapeVisitor>(
            __visitor: &mut __V,
        ) {
            <__V as crate::renamed::__private::ShapeVisitor>::group::<
                __Read0,
            >(__visitor, 0, &[("fn", "String", &[])]);
        }
    }
    #[automatically_derived]
    impl crate::renamed::__private::Touch for r#type
    where
        OrgId: crate::renamed::__private::KvId,
        i64: crate::renamed::__private::KvId,
        String: crate::renamed::__private::MaybeSend
            + crate::renamed::__private::MaybeSync,
    {}
    const _: () = ::core::assert!(
        < i64 as crate ::renamed::__private::KvId > ::KIND.is_integer(),
        "`ordered` sorts numbers, and the id `at` is not a number"
    );
};
