-- Questions about slips that people gave back (n of -3 and below) wait behind all others, as this service's own first one does.
drop index inquiry_due;
create index inquiry_due on inquiry (provider, (n = 0 or n <= -3), due_at) where status = 'due';
