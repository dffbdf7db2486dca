// A learner's morning with the SDK for TypeScript: node morning.mjs SDK CONFIG
const { Client, APIError } = await import(process.argv[2]);
const c = JSON.parse(process.argv[3]);

const said = {};
const kept = [];
const hub = new Client({ baseURL: c.base, onTokens: (t) => void kept.push(t) });
const login = await hub.signIn(c.email, c.password);
said.username = (await hub.profile()).username;
said.kept = kept.length === 1 && kept[0].access_token === login.access_token;

said.courses = [];
for await (const course of hub.coursesAll({ limit: 1 })) said.courses.push(course.slug);
said.version = (await hub.enroll("one")).version;
const progress = await hub.recordProgress({ entries: [{ course_id: "one", lesson_id: c.lesson, progress_percentage: 40 }] });
said.progress = progress[0].progress_percentage;
await hub.setPreferences({ theme: "dark" });
said.theme = (await hub.preferences()).theme;

const old = new Client({ baseURL: c.base, token: "run out", refreshToken: login.refresh_token, onTokens: (t) => void kept.push(t) });
said.renewed = (await Promise.all([old.profile(), old.usage(), old.next()])).length === 3 && kept.length === 2;

const refused = async (ask) => {
  try {
    await ask();
  } catch (err) {
    if (err instanceof APIError) return err.code;
    throw err;
  }
  return "";
};
said.missing = await refused(() => hub.course("../none"));
said.guest = await refused(() => new Client({ baseURL: c.base }).profile());
said.busy = (await new Client({ baseURL: c.busy, token: login.access_token }).profile()).username;
said.impatient = await refused(() => new Client({ baseURL: c.busy + "/never", token: login.access_token, maxWait: 10 }).profile());
said.elsewhere = await refused(() => new Client({ baseURL: c.elsewhere, token: "secret" }).profile());
await hub.logout({ refresh_token: kept.at(-1).refresh_token });
console.log(JSON.stringify(said));
