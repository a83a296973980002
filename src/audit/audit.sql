-- Deletes audit entries from before a moment, and answers how many. The only way in which entries go; those of the last 30 days stay,
-- whoever asks: else whoever did something could have it forgotten.
CREATE FUNCTION audit_forget(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  forgotten bigint;
BEGIN
  IF p_before > now() - interval '30 days' THEN
    RAISE EXCEPTION 'audit entries are kept for at least 30 days' USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM set_config('chatsparty.audit_forgets', 'on', true);
  DELETE FROM audit_entries WHERE created_at < p_before;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  PERFORM set_config('chatsparty.audit_forgets', 'off', true);
  RETURN forgotten;
END $$;

-- Takes the words out of the entries of a user who is erased; who, what and when stay, and figures. Where they came from goes with
-- `p_networks`: the product keeps it for 30 days after, as it keeps whole entries, or whoever did something could have it forgotten.
CREATE FUNCTION audit_erase(p_user uuid, p_networks boolean) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  erased integer;
BEGIN
  PERFORM set_config('chatsparty.audit_erases', 'on', true);
  UPDATE audit_entries SET
    user_agent = CASE WHEN coalesce(actor_id, p_user) = p_user THEN NULL ELSE user_agent END,
    network = CASE WHEN p_networks AND coalesce(actor_id, p_user) = p_user THEN NULL ELSE network END,
    details = (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM jsonb_each(details) AS d(name, value)
      WHERE jsonb_typeof(value) <> 'string')
  WHERE (actor_id = p_user OR target_id = p_user) AND (
    (coalesce(actor_id, p_user) = p_user AND (user_agent IS NOT NULL OR (p_networks AND network IS NOT NULL)))
    OR jsonb_path_exists(details, '$.* ? (@.type() == "string")'));
  GET DIAGNOSTICS erased = ROW_COUNT;
  PERFORM set_config('chatsparty.audit_erases', 'off', true);
  RETURN erased;
END $$;
