-- A question of this service's own (n = 0) waits behind those that the reconciler asks for.
drop index inquiry_due;
create index inquiry_due on inquiry (provider, (n = 0), due_at) where status = 'due';
