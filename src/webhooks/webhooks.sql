-- An id in the order of time (UUID v7), for rows that the database itself makes.
CREATE FUNCTION uuid_now() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Tells a user's webhooks of an event: a delivery for each that asked for it, once for what it tells of. One that is being deleted is
-- waited for and left out: what happened must not fail with the reference to it.
CREATE FUNCTION webhooks_tell(p_user uuid, p_event text, p_subject uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO webhook_deliveries (id, webhook_id, user_id, event, subject_id, due_at)
  SELECT uuid_now(), w.id, w.user_id, p_event, p_subject, now()
  FROM webhooks w WHERE w.user_id = p_user AND w.enabled AND p_event = ANY (w.events)
  FOR KEY SHARE
  ON CONFLICT (webhook_id, event, subject_id) DO NOTHING
$$;
