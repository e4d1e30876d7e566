// Sounds of one task: one plays at a time, each knows how much of it was heard.

const ENOUGH_SECONDS = 5;
const ENOUGH_SHARE = 0.9;

export class Player {
  /** urls: one for each sound; together: switching goes on at the same place, as when versions of one thing are
   *  compared; changed(): called when anything that can be seen changes. */
  constructor(urls, together, changed) {
    this.together = together;
    this.changed = changed;
    this.sounds = urls.map((url) => {
      const audio = new Audio();
      const sound = { audio, heard: 0, last: 0, failed: false };
      audio.preload = "auto";
      audio.addEventListener("timeupdate", () => this.count(sound));
      audio.addEventListener("play", () => { sound.last = audio.currentTime; changed(); });
      audio.addEventListener("pause", () => { this.count(sound); changed(); });
      audio.addEventListener("ended", () => this.count(sound));
      audio.addEventListener("loadedmetadata", changed);
      audio.addEventListener("error", () => { sound.failed = true; changed(); });
      audio.src = url;
      return sound;
    });
  }

  count(sound) {
    const step = sound.audio.currentTime - sound.last;
    if (step > 0 && step < 2) sound.heard += step; // a longer step was a jump
    sound.last = sound.audio.currentTime;
    this.changed();
  }

  /** Plays one and stops the others; a second time pauses it. */
  toggle(place) {
    const { audio } = this.sounds[place];
    if (!audio.paused) return audio.pause();
    const playing = this.sounds.findIndex((one) => !one.audio.paused);
    const at = this.together && playing >= 0 ? this.sounds[playing].audio.currentTime : null;
    this.stop();
    if (at !== null) audio.currentTime = Math.min(at, audio.duration || at);
    else if (!this.together || audio.ended) audio.currentTime = 0;
    return audio.play().catch(() => this.changed());
  }

  stop() {
    for (const { audio } of this.sounds) audio.pause();
  }

  /** Lets go of the sounds, so that a page that stays open does not keep them. */
  close() {
    this.stop();
    for (const { audio } of this.sounds) {
      audio.removeAttribute("src");
      audio.load();
    }
  }

  playing(place) {
    return !this.sounds[place].audio.paused;
  }

  /** 0 to 1: how far it has come. */
  position(place) {
    const { audio } = this.sounds[place];
    return audio.duration ? Math.min(audio.currentTime / audio.duration, 1) : 0;
  }

  /** Whether enough of it was heard to answer: five seconds, or nearly all of something shorter. */
  enough(place) {
    const { audio, heard } = this.sounds[place];
    return heard >= Math.min(ENOUGH_SECONDS, (audio.duration || Infinity) * ENOUGH_SHARE);
  }

  failed(place) {
    return this.sounds[place].failed;
  }

  get allHeard() {
    return this.sounds.every((_, place) => this.enough(place));
  }

  /** The next that was not heard yet, or the first. */
  get next() {
    const unheard = this.sounds.findIndex((_, place) => !this.enough(place));
    return Math.max(unheard, 0);
  }

  get heardSeconds() {
    return this.sounds.map((one) => Math.round(one.heard * 10) / 10);
  }
}
