SELECT name, slots FROM pool ORDER BY name;
