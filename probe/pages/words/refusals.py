"""What pages say when they refuse, or lead nowhere: the words of alerts, in many languages. Data.

Negation hides in every language's grammar, so entries are pairs of stems where one word alone would also be in a help
text.
"""

from probe.pages.vocabulary import vocabulary

LOCKED = vocabulary("""
    en: account + locked, account + disabled, account + suspended, account + blocked, account + deactivated,
        user + locked, user + disabled, user + suspended, locked out, temporarily locked, temporarily disabled,
        temporarily blocked, account + lockout, account + not active, account + inactive, user + blocked,
        login + disabled, access + suspended, been locked, ip + blocked, address + blocked
    de: gesperrt, konto + deaktiviert, benutzerkonto + deaktiviert, zugang + deaktiviert, benutzer + deaktiviert,
        account + deaktiviert
    fr: compte + verrouille, compte + bloque, compte + desactive, compte + suspendu, temporairement + bloque*,
        temporairement + verrouille*
    es: cuenta + bloquead*, cuenta + deshabilitad*, cuenta + suspendid*, usuario + bloquead*, cuenta + desactivad*,
        usuario + deshabilitad*
    pt: conta + bloquead*, conta + desativad*, conta + suspens*, usuario + bloquead*, conta + desabilitad*,
        utilizador + bloquead*
    it: account + bloccat*, utente + bloccat*, account + disabilitat*, account + sospes*, utente + disabilitat*,
        temporaneamente + bloccat*
    nl: account + geblokkeerd, account + vergrendeld, account + uitgeschakeld, gebruiker + geblokkeerd,
        tijdelijk geblokkeerd
    ja: ロックされ, ロックしま, アカウント + 無効, アカウント + 停止, 利用停止, 凍結
    sv: konto* + last, konto* + sparrat, konto* + inaktiverat
    da: konto* + spaerret, konto* + spærret, konto* + last, konto* + deaktiver*
    nb: konto* + sperret, konto* + last, konto* + deaktivert
    fi: tili + lukittu, tili + poistettu kaytosta
    pl: konto + zablokowane, konto + wylaczone, konto + wyłączone, konto + nieaktywne
    cs: ucet + zablokovan*, ucet + uzamcen*, ucet + deaktivovan*
    ru: заблокирован*
    zh: 锁定, 鎖定, 已被禁用, 冻结
    ko: 잠겼, 잠금
    tr: hesab* + kilit*
""")

THROTTLED = vocabulary("""
    en: too many, rate limit*, too frequent*, too often, slow down, please wait for, please wait + second*,
        please wait + minute*, attempts exceeded, exceeded + attempts, exceeded the, throttled, wait + before
        trying, login attempts, too fast, have to wait, must wait
    de: zu viele, zu oft, zu haufig, anmeldeversuche
    fr: trop de, tentatives
    es: demasiad*, intentos
    pt: muitas tentativas, demasiad*, excesso de, tentativas
    it: troppi, troppe, tentativi
    nl: te veel, te vaak, pogingen
    ja: 回数, 試行が多, 多すぎ, しばらくして, しばらく待, しばらく時間, 上限に達
    sv: for manga
    da: for mange
    nb: for mange
    pl: zbyt wiele
    ru: слишком много, слишком часто
    zh: 次数过多, 过于频繁, 頻繁
    ko: 너무 많
    tr: cok fazla
""")

HUMAN = vocabulary("""
    en: captcha, not a robot, you are human, you re human, are human, unusual traffic, suspicious activity,
        suspicious + login, security check, complete the challenge, are a human, automated, solve the, verify + human
    de: captcha, kein roboter, mensch sind, ungewohnliche aktivitat
    fr: captcha, pas un robot, etes humain, trafic inhabituel
    es: captcha, no soy un robot, es humano, eres humano, trafico inusual
    pt: captcha, nao sou um robo, e humano
    it: captcha, non sono un robot, essere umano
    nl: captcha, geen robot, mens bent
    ja: ロボットではない, 画像認証, 不審な
    zh: 人机验证, 不是机器人
    ru: не робот, капч*
""")

BAD_CREDENTIALS = vocabulary("""
    en: invalid + password, incorrect + password, wrong + password, password + not correct, password + not match,
        bad + password, invalid + credential*, incorrect + credential*, wrong + credential*, bad + credential*,
        credential* + not, invalid + login, incorrect + login, login + failed, log in + failed, login + incorrect,
        sign in + failed, signin + failed, unable to sign in, unable to log, could not sign, couldn t sign,
        could not log, authentication + failed, authentication failure, failed to authenticate, not authenticated,
        could not be authenticated, invalid + username, incorrect + username, wrong + username, invalid + user,
        incorrect + user, invalid + email, incorrect + email, wrong + email, password + incorrect, password + wrong,
        password + invalid, enter a correct, not recognized, not recognised, doesn t match, does not match,
        do not match, did not match, don t match, login error, login failure, logon + failed, check your password,
        check your credentials, failed + login, access denied, not valid, login attempt + failed, are incorrect,
        is incorrect, were incorrect, invalid
    de: falsch*, ungultig*, fehlgeschlagen, nicht korrekt, stimmt nicht, stimmen nicht, nicht erkannt, inkorrekt,
        fehlerhaft
    fr: incorrect*, invalide*, errone*, mauvais*, echec, echoue, ne correspond*, non valide*, non reconnu*
    es: incorrect*, invalid*, no valid*, erroneo*, erronea*, equivocad*, no coincid*, fallo, fallado, fallido
    pt: incorret*, invalid*, errad*, nao correspond*, nao confere*, falhou, falha
    it: errat*, non valid*, non corrett*, sbagliat*, non corrispond*, fallit*, non riuscit*
    nl: onjuist*, ongeldig*, verkeerd*, mislukt, niet juist, niet correct, incorrect*, komt niet overeen,
        komen niet overeen, klopt niet
    ja: 正しくありません, 正しくない, 間違, 一致しません, 失敗, 無効, 誤って, 誤り, 違います, 不正, できませんでした,
        違い
    sv: fel, felaktig*, ogiltig*, misslyckades
    da: forkert, ugyldig*, mislykkedes
    nb: feil, ugyldig*, mislyktes
    fi: vaara, virheelli*, epaonnistui
    pl: nieprawidlow*, bledn*, niepoprawn*, niepowodzen*
    cs: nespravn*, neplatn*
    tr: hatali, gecersiz, yanlis, basarisiz
    ru: неверн*, неправильн*, ошибка входа, не удалось
    zh: 不正确, 错误, 無效, 无效, 不匹配, 失败, 錯誤
    ko: 올바르지, 잘못, 일치하지, 실패
""")

UNKNOWN_IDENTIFIER = vocabulary("""
    en: couldn t find, could not find, can t find, cannot find, no account, doesn t exist, does not exist, not found,
        unknown user*, unknown account, not registered, no user, no such user, isn t registered, unknown email,
        not exist, unable to find, unknown login, unknown identifier, don t recognize, do not recognize,
        don t recognise, isn t in our system
    de: nicht gefunden, existiert nicht, unbekannt*, kein konto, nicht registriert, nicht finden, kein benutzer
    fr: introuvable, n existe pas, aucun compte, inconnu*, pas trouve, aucun utilisateur
    es: no existe, no se encontro, no encontr*, ninguna cuenta, no se ha encontrado, no esta registrad*, desconocid*,
        no hemos encontrado
    pt: nao existe, nao encontr*, nenhuma conta, nao foi encontrad*, nao cadastrad*, desconhecid*, nao registad*
    it: non esiste, non trovat*, nessun account, non e stato trovato, sconosciut*, nessun utente, non registrat*
    nl: niet gevonden, bestaat niet, onbekend*, geen account, niet geregistreerd, niet vinden
    ja: 見つかりません, 存在しません, 登録されていません, 見つかりませんでした, 存在しない
    sv: hittades inte, finns inte
    pl: nie istnieje, nie znaleziono
    ru: не найден*, не существует
    zh: 不存在, 未注册, 找不到
    ko: 찾을 수 없, 존재하지
""")

PASSWORD_TOO = vocabulary("""
    en: password, credential*
    de: passwort, kennwort
    fr: mot de passe
    es: contrasena
    pt: senha, palavra passe
    it: password
    nl: wachtwoord
    ja: パスワード
    zh: 密码
    ko: 비밀번호
    ru: парол*
""")
"""Beside the unknown identifier: then it may as well be the password."""

OLD_PASSWORD = vocabulary("""
    en: password has expired, password expired, password is expired, expired password, credentials have expired,
        credentials expired, must change your password, password must be changed, password change required
    de: passwort ist abgelaufen, passwort abgelaufen, kennwort ist abgelaufen, kennwort abgelaufen
    fr: mot de passe a expire, mot de passe expire, mot de passe est expire
    es: contrasena ha caducado, contrasena caducada, contrasena ha expirado, contrasena expirada
    pt: senha expirou, senha expirada, palavra passe expirou
    it: password scaduta, password e scaduta
    nl: wachtwoord is verlopen, wachtwoord verlopen
    ja: パスワードの有効期限
""")
"""The password was right once, and has to be changed by its owner."""

EXPIRED = vocabulary("""
    en: session + expired, session + timed out, page + expired, form + expired, request + expired, csrf,
        took too long, login + timed out, restart login, start over, session + invalid, session + not found,
        already been used, stale request, cookies + enable*, cookie* + blocked, cookie not found, cookies + required,
        time out, timed out, authentication session, security token, invalid session, forgery
    de: sitzung + abgelaufen, sitzung + ungultig, zeituberschreitung, cookies + aktivieren
    fr: session + expire*, cookies + activer
    es: sesion + caducad*, sesion + expir*, cookies + habilit*
    pt: sessao + expir*, cookies + habilit*
    it: sessione + scadut*
    nl: sessie + verlopen, cookies + inschakelen
    ja: セッション + 切れ, セッション + 期限, タイムアウト, 有効期限が切れ, クッキー + 有効
""")

NEEDS_SCRIPTS = vocabulary("""
    en: enable javascript, javascript is disabled, javascript is required, requires javascript, javascript to run,
        javascript enabled, without javascript, turn on javascript, javascript must, support javascript, javascript
    de: javascript
    fr: javascript
    es: javascript
    pt: javascript
    it: javascript
    nl: javascript
    ja: javascript, ジャバスクリプト
""")

ERROR_PAGE = vocabulary("""
    en: error, something went wrong, an error occurred, internal server error, bad request, invalid request,
        service unavailable, temporarily unavailable, not found, forbidden, oops, went wrong, we are sorry,
        we re sorry, unexpected error, bad gateway, gateway timeout, access denied, unavailable, maintenance,
        try again later, unauthorized, invalid + client, invalid + redirect*, invalid + request, mismatch*,
        problem, failed, failure, not allowed, unable to process, sorry
    de: fehler, fehlgeschlagen, nicht verfugbar, wartung, es tut uns leid, ungultige anfrage,
        ist etwas schiefgelaufen, schief
    fr: erreur, indisponible, une erreur, echec, desole*, maintenance
    es: error, no disponible, lo sentimos, salio mal, mantenimiento
    pt: erro, indisponivel, algo deu errado, desculpe, manutencao
    it: errore, non disponibile, qualcosa e andato storto, siamo spiacenti
    nl: fout, niet beschikbaar, er is iets misgegaan, er ging iets mis, onderhoud, storing
    ja: エラー, 問題が発生, 利用できません, メンテナンス, 申し訳
    sv: fel, nagot gick fel
    pl: blad, cos poszlo nie tak
    ru: ошибка
    zh: 错误, 錯誤, 出错
    ko: 오류, 에러
""")
"""In a title, a heading or an alert of a page without a form that leads on."""

WRONG_REDIRECT = vocabulary("""
    en: redirect uri, redirect url, redirecturi, redirection uri, redirection url, callback url, callback uri,
        reply url, reply address
""")
"""On an error page, of the authorization request: the protocol's own words, which stay English in every language."""

UNKNOWN_CLIENT = vocabulary("""
    en: client not found, client + unknown, unknown client, invalid client, invalid clientid, client id, clientid,
        client + not registered, client does not exist, client disabled, client is disabled, client + not recognized,
        client + not recognised, application not found, unknown application, application + not registered,
        application + was not found, application + does not exist, unregistered application, unregistered client,
        client not enabled, client + not enabled, client was not found, no such client, relying party + unknown,
        unknown relying party
    de: client + nicht gefunden, unbekannter client, anwendung + nicht gefunden, anwendung + nicht registriert
    fr: client + introuvable, client + inconnu, application + introuvable, application + inconnue
    es: cliente + no encontrado, cliente + desconocido, aplicacion + no encontrada
    pt: cliente + nao encontrado, aplicativo + nao encontrado
    it: client + non trovato, applicazione + non trovata, applicazione + sconosciuta
    nl: client + niet gevonden, onbekende client, applicatie + niet gevonden
    ja: クライアントが見つかりません, クライアント + 登録されていません
""")
"""On an error page, of the client that asks."""
