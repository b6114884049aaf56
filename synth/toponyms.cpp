// SPDX-License-Identifier: MIT
#include "synth/toponyms.h"

#include <array>
#include <vector>

namespace mapweave::synth {
namespace {

using Words = std::vector<std::string>;

// A name is a head and a tail run together ("Ober" + "dorf"); kinds of
// streets, waters and fields are put before or after it.
struct Gazetteer {
  Words heads;
  Words tails;
  Words people;   // streets are named after them
  Words streets;  // '*' is where the name goes
  Words waters;
  Words fields;
  Words publics;  // a '*' is optional
};

const Gazetteer& GazetteerOf(Language language) {
  static const std::array<Gazetteer, kLanguages> kAll = {{
      // French
      {{"Mont", "Ville", "Beau", "Saint-", "Haut", "Belle", "Champ", "Roche",
        "Clair", "Neu", "Grand", "Fon"},
       {"fort", "mont", "rieux", "lieu", "court", "val", "bois", "neuve",
        "vaux", "taine", "martin", "gny", "ville", "combe"},
       {"Lafayette", "Jacob", "Voltaire", "Carnot", "Pasteur", "Diderot",
        "la République", "l'Abbaye", "la Gare", "l'Église", "la Poste",
        "Rivoli", "Gambetta", "Hugo", "Thiers", "Colbert"},
       {"Rue *", "Rue de *", "Bould *", "Avenue *", "Quai *", "Place *", "R. *",
        "Imp. *", "Passage *", "Chemin de *"},
       {"Canal de *", "la *", "Étang de *", "Ruisseau de *", "Bassin",
        "Rivière de *"},
       {"les Prés *", "le Clos *", "les Vignes", "la Garenne", "aux Champs *",
        "les Marais", "le Pré Long", "Bois de *"},
       {"Église",  "École",       "Hôpital",
        "Mairie",  "Gendarmerie", "Caserne",
        "Usine *", "Ste *",       "St. *",
        "Gare",    "Marché",      "Cimetière",
        "Lavoir",  "Couvent",     "Halle",
        "Hosp.",   "Théâtre",     "Poste",
        "Prison",  "Usine à Gaz", "Champ de Manœuvres"}},
      // German
      {{"Ober", "Unter", "Alt", "Neu", "Eichen", "Linden", "Stein", "Wolfs",
        "Hohen", "Kirch", "Birken", "Mühl"},
       {"dorf", "hausen", "bach", "berg", "heim", "hof", "feld", "burg", "wald",
        "furt", "stetten", "rode"},
       {"Schiller", "Goethe", "Bahnhof", "Markt", "Kirch", "König", "Linden",
        "Garten", "Wilhelm", "Luisen", "Mühlen", "Berg", "Schloß", "Ring"},
       {"*straße", "*str.", "*gasse", "*weg", "*platz", "*-Allee", "Am *",
        "*ufer", "Alte *str."},
       {"*bach", "*see", "Die *", "*graben", "Mühlgraben", "*weiher", "*kanal"},
       {"Im *", "Auf der *", "Lange Äcker", "Die Hofwiesen", "*feld",
        "Am *berg", "Die Weide", "*wiese", "Hinter der *"},
       {"Kirche",    "Schule",   "Fabr.",    "Bhf.",      "Rathaus",
        "Kaserne",   "Friedhof", "Gasthaus", "Mühle",     "Z.O.",
        "Ziegelei",  "Gde. *",   "Spital",   "Brauerei",  "Post",
        "Forsthaus", "Gaswerk",  "Krkhs.",   "Turnhalle", "Kloster"}},
      // Dutch
      {{"Oude", "Nieuwe", "Zand", "Water", "Haar", "Veen", "Linden", "Molen",
        "Noord", "Zuid", "Waal", "Amstel"},
       {"dam", "veen", "kerk", "dijk", "lem", "huizen", "broek", "burg", "meer",
        "wijk", "hoven", "recht"},
       {"Heeren", "Keizers", "Prinsen", "Rozen", "Linden", "Kerk", "Raam",
        "Jonkers", "Ridder", "Bloem", "Zout", "Wal"},
       {"*straat", "*gracht", "*kade", "*steeg", "*plein", "*weg", "*laan",
        "Korte *str."},
       {"*gracht", "De *", "*vaart", "*meer", "*sloot", "*kanaal"},
       {"De *", "*polder", "*akker", "'t *veld", "*weide", "Het Broek"},
       {"Kerk", "School", "Gasth.", "Station", "Weeshuis", "Kazerne",
        "Begraafpl.", "Fabriek", "Molen", "Stadhuis", "Waag", "Synagoge",
        "Pakhuis", "Zaagmolen"}},
      // Italian
      {{"Monte", "Castel", "Borgo", "San ", "Villa", "Campo", "Ponte", "Val",
        "Rocca", "Torre", "Serra", "Civita"},
       {"nuovo", "vecchio", "franco", "lungo", "rosso", "bello", "piano",
        "verde", "forte", "alto", "maggiore", "marco"},
       {"Garibaldi", "Cavour", "Mazzini", "Roma", "Dante", "del Corso",
        "S. Marco", "della Posta", "del Mercato", "Vittorio", "Manzoni"},
       {"Via *", "Corso *", "Piazza *", "Vicolo *", "V. *", "Calle *",
        "Lungarno *", "Strada *"},
       {"Fiume *", "Rio *", "Fosso *", "Torrente *", "Canale *", "Lago *"},
       {"i Prati", "Campo *", "la Vigna", "Podere *", "Pian di *", "le Case *",
        "gli Orti"},
       {"Chiesa", "Osp.", "Scuola", "Municipio", "Caserma", "Stazione",
        "Mercato", "Cimitero", "Mulino", "Convento", "Fabbr.", "Teatro", "S. *",
        "Palazzo *", "Dogana", "Molino"}},
      // English
      {{"Ash", "Black", "Kings", "West", "East", "Wood", "Stan", "Brad", "Hart",
        "Nor", "Whit", "Lang"},
       {"ton", "ford", "ley", "ham", "wick", "bury", "field", "bridge", "worth",
        "well", "stead", "dale"},
       {"Church", "High", "Mill", "Victoria", "Albert", "Park", "Station",
        "King", "Queen", "Jefferson", "Main", "St. Peter", "Chapel", "Garden"},
       {"* Street", "* St.", "* Road", "* Lane", "* Terrace", "* Place",
        "* Row", "* Avenue", "* Square"},
       {"River *", "* Brook", "* Canal", "* Pond", "* Beck", "Mill Race",
        "* Dock"},
       {"* Field", "Long Acre", "* Common", "* Meadow", "The Moor", "* Farm",
        "Nursery", "Allotment Gardens"},
       {"Church",     "School",    "P.H.",      "P.O.",        "Smithy",
        "Foundry",    "Brewery",   "Infirmary", "Town Hall",   "Gas Works",
        "Goods Shed", "Chapel",    "Inn",       "Cotton Mill", "Rectory",
        "Saw Mill",   "Court Ho.", "Ch.",       "Sch.",        "W.",
        "Barracks"}},
      // Spanish
      {{"Villa", "Monte", "San ", "Puente", "Torre", "Val", "Campo", "Santa ",
        "Río", "Sierra", "Alba", "Casa"},
       {"nueva", "hermosa", "vieja", "longa", "cruz", "lucía", "verde",
        "franca", "mayor", "real", "clara", "blanca"},
       {"Mayor", "Real", "la Cruz", "San José", "Bolívar", "la Iglesia",
        "Colón", "Toledo", "Alcalá", "las Flores", "la Paz", "Cervantes"},
       {"Calle *", "Calle de *", "Avda. *", "Plaza *", "C. de *", "Paseo *",
        "Callejón *", "Camino de *"},
       {"Río *", "Arroyo *", "Acequia *", "Laguna *", "Canal de *"},
       {"Huerta *", "los Prados", "Dehesa *", "el Olivar", "Cerro *",
        "Tierras de *", "las Eras"},
       {"Iglesia", "Escuela", "Hosp.", "Cuartel", "Ayunt°", "Estación",
        "Mercado", "Cementerio", "Molino", "Conv° *", "Fca. *", "Teatro",
        "Sto. *", "Aduana", "Plaza de Toros"}},
      // Vietnamese
      {{"Chợ ", "Phú ", "Tân ", "Bình ", "Xóm ", "Gò ", "Thủ ", "Hòa ", "Mỹ ",
        "An ", "Cầu ", "Đa "},
       {"Lớn", "Hòa", "Định", "Thạnh", "Vấp", "Hưng", "Mới", "Sáng", "An",
        "Đức", "Long", "Kho"},
       {"Catinat", "Norodom", "Chasseloup", "Bangkok", "Lagrandière", "d'Adran",
        "Charner", "Laubat", "Taberd", "Mac-Mahon", "la Citadelle", "Pellerin",
        "N° 27", "N° 9", "N° 31"},
       {"Rue *", "Rue de *", "Bould *", "Quai *", "R. *", "Chaussée *"},
       {"Arroyo de *", "Rach *", "Canal *", "Rivière de *"},
       {"Vge de *", "Rizières", "Plaine des *", "Jardin *", "Village de *"},
       {"CASERNES", "Hôtel du *", "Infirmerie", "Pagode", "Cathédrale",
        "Direction d'Artillerie", "École des Indigènes", "Station", "Prison",
        "Cimetière", "Palais", "Magasins", "Sainte-*", "Douane", "Collège",
        "Champ de Manœuvres"}},
  }};
  return kAll[static_cast<size_t>(language)];
}

// Plans of the time wrote Vietnamese names with the letters at hand.
std::string WithoutTones(const std::string& text) {
  static const std::vector<std::pair<std::string, std::string>> kLetters = {
      {"ợ", "o"}, {"ớ", "o"}, {"ủ", "u"}, {"ỹ", "y"}, {"ầ", "â"}, {"Đ", "D"},
      {"ị", "i"}, {"ạ", "a"}, {"ấ", "a"}, {"ư", "u"}, {"ứ", "u"}};
  std::string out = text;
  for (const auto& [from, to] : kLetters) {
    for (size_t at = out.find(from); at != std::string::npos;
         at = out.find(from)) {
      out.replace(at, from.size(), to);
    }
  }
  return out;
}

std::string Compound(const Gazetteer& g, Rng& rng) {
  const std::string head = rng.Pick(g.heads);
  return head + rng.Pick(g.tails);
}

// `pattern` with `name` for its star.
std::string Insert(std::string pattern, const std::string& name) {
  const size_t star = pattern.find('*');
  if (star != std::string::npos) pattern.replace(star, 1, name);
  return pattern;
}

}  // namespace

std::string MakeName(Language language, NameKind kind, Rng& rng) {
  const Gazetteer& g = GazetteerOf(language);
  const std::string place = WithoutTones(Compound(g, rng));
  switch (kind) {
    case NameKind::kStreet:
      return Insert(rng.Pick(g.streets),
                    rng.Chance(0.75) ? rng.Pick(g.people) : place);
    case NameKind::kDistrict:
    case NameKind::kWord:
      return place;
    case NameKind::kPublic:
      return Insert(rng.Pick(g.publics), place);
    case NameKind::kWater:
      return Insert(rng.Pick(g.waters), place);
    case NameKind::kField:
      return Insert(rng.Pick(g.fields), place);
  }
  return place;
}

std::string Capitals(std::string utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte >= 'a' && byte <= 'z') {
      utf8[i] = static_cast<char>(byte - 'a' + 'A');
    } else if (byte == 0xC3 && i + 1 < utf8.size()) {
      // U+00E0 to U+00FE without the division sign; there is no capital ß.
      byte = static_cast<unsigned char>(utf8[++i]);
      if (byte >= 0xA0 && byte <= 0xBE && byte != 0xB7)
        utf8[i] = static_cast<char>(byte - 0x20);
    } else if (byte == 0xC5 && i + 1 < utf8.size() &&
               static_cast<unsigned char>(utf8[i + 1]) == 0x93) {
      utf8[++i] = static_cast<char>(0x92);  // œ
    }
  }
  return utf8;
}

}  // namespace mapweave::synth
