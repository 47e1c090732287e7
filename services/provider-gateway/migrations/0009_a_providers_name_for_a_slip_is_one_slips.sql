-- A provider's own reference is one slip's. Where it gives it to a second, people must tell which of them it means.
create index dispatch_by_provider_reference on dispatch (provider, provider_reference)
  where provider is not null and provider_reference is not null;
