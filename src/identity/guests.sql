-- Whether a user is a guest: somebody without an e-mail address, who is not there for good. Nobody otherwise loses theirs.
CREATE FUNCTION is_guest(p_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM users u WHERE u.id = p_user AND u.email_key IS NULL)
$$;
